// The threads of an engine for work that is cut into tasks.
#ifndef GEMMAC_RUNTIME_POOLFOR_H
#define GEMMAC_RUNTIME_POOLFOR_H

#include "base/ParallelFor.h"
#include "engine/ThreadPool.h"

#include <atomic>

namespace gemmac::runtime {

class PoolFor final : public ParallelFor {
public:
  explicit PoolFor(ThreadPool &pool) : pool(pool) {}

  void operator()(int64_t count, Task task, void *data) override {
    Work work{task, data, count, {}};
    gemmac_call call = {};
    call.times = &work; // the runtime's own: gemmac_mark is not called
    pool.run(&runTasks, call);
  }

private:
  struct Work {
    Task task;
    void *data;
    int64_t count;
    std::atomic<int64_t> next;
  };
  static void runTasks(const gemmac_call *call, int64_t) {
    auto *work = static_cast<Work *>(call->times);
    for (int64_t index = work->next++; index < work->count; index = work->next++)
      work->task(work->data, index);
  }

  ThreadPool &pool;
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_POOLFOR_H
