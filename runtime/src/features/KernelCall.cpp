#include "features/KernelCall.h"

#include "base/Text.h"

#include <utility>

namespace gemmac::runtime {

namespace {
struct Loop {
  KernelCall *call;
  halide_task_t task;
  int first;
  uint8_t *closure;
  std::atomic<int> result = 0;
};
} // namespace

static void runTask(void *data, int64_t index) {
  Loop &loop = *static_cast<Loop *>(data);
  if (loop.result.load(std::memory_order_relaxed))
    return; // the rest of a loop that failed is not needed
  if (int result = loop.task(loop.call, loop.first + static_cast<int>(index), loop.closure))
    loop.result.store(result, std::memory_order_relaxed);
}

int KernelCall::run(halide_task_t task, int first, int count, uint8_t *closure) {
  Loop loop{this, task, first, closure};
  threads(count, runTask, &loop);
  return loop.result;
}

void KernelCall::fail(ExitCode failure, std::string what) {
  if (failed.exchange(true))
    return;
  code = failure;
  text = std::move(what);
}

Status KernelCall::status(int result, const char *what) const {
  if (failed)
    return {code, format("%s: %s", what, text.c_str())};
  if (result)
    return {ExitCode::internal, format("%s: error %d of generated code; this is a defect of gemmac", what, result)};
  return {};
}

} // namespace gemmac::runtime
