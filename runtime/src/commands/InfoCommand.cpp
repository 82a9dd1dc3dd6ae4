// `PROG info`, `PROG tokenize`, `PROG detokenize`: what needs no engine.
#include "commands/Commands.h"

#include "base/Files.h"
#include "base/Notice.h"
#include "base/Text.h"
#include "engine/Cpu.h"
#include "engine/MemoryLimit.h"
#include "text/TextStream.h"
#include "text/TokenStream.h"

#include <algorithm>
#include <cstring>
#include <unistd.h>

namespace gemmac::runtime {

static std::string describeLevels(const gemmac_program &program) {
  const uint64_t features = cpuFeatures();
  const gemmac_code *best = nullptr;
  std::string text;
  const bool usable = chooseLevel(program, "", features, best).ok();
  for (int64_t i = 0; i < program.code_count; ++i) {
    const gemmac_code &level = program.code[i];
    const char *state = usable && &level == best     ? " (in use)"
                        : level.features & ~features ? " (not on this machine)"
                                                     : "";
    text += (i ? ", " : "") + std::string(level.name) + state;
  }
  return text;
}

static std::string describeSampling(const gemmac_sampling &sampling) {
  if (sampling.temperature == 0)
    return "greedy";
  std::string text = format("temperature %g", static_cast<double>(sampling.temperature));
  if (sampling.top_k > 0)
    text += format(", top-k %d", sampling.top_k);
  if (sampling.top_p < 1)
    text += format(", top-p %g", static_cast<double>(sampling.top_p));
  return text;
}

static std::string describeChat(const gemmac_chat &chat) {
  if (!(chat.flags & GEMMAC_CHAT_EXISTS))
    return "no; use --raw";
  std::string text = "yes";
  if (!(chat.flags & GEMMAC_CHAT_SYSTEM))
    text += ", without instructions";
  if (*chat.thought_open != '\0')
    text += chat.flags & (GEMMAC_CHAT_DROPS_THOUGHTS | GEMMAC_CHAT_DROPS_TO_LAST_CLOSE)
                ? "; thoughts of earlier answers are left out"
                : "; thoughts of earlier answers stay";
  return text;
}

static std::string describeResident(const Model &model) {
  const gemmac_memory &memory = model.program.memory;
  const uint64_t caches = (memory.ring_cache + memory.whole_cache) * static_cast<uint64_t>(model.program.slots);
  const uint64_t media = mediaBytes(model.program, GEMMAC_CONTRACT_THREADS, /*image=*/true, /*audio=*/true);
  auto resident = [&](int64_t positions, uint64_t more) {
    return formatBytes(residentBytes(model.program, GEMMAC_CONTRACT_THREADS, positions, model.program.slots) + more);
  };
  std::string text = format("resident   %s at most with %d threads", resident(model.program.context, media).c_str(),
                            GEMMAC_CONTRACT_THREADS);
  if (memory.limit)
    text += format(", limit %s", formatBytes(memory.limit).c_str());
  text += format("; %s at the beginning of a conversation\n", resident(1, 0).c_str());
  text += format("           weights %s, KV cache %s, working memory %s, thread %s, tokenizer %s, program %s\n",
                 formatBytes(memory.weights).c_str(), formatBytes(caches).c_str(), formatBytes(memory.working).c_str(),
                 formatBytes(memory.thread).c_str(), formatBytes(memory.tokenizer).c_str(),
                 formatBytes(memory.program).c_str());
  if (media)
    text += format("           pictures and sounds %s: weights %s and %s, working memory %s, thread %s\n",
                   formatBytes(media).c_str(), formatBytes(memory.weights_image).c_str(),
                   formatBytes(memory.weights_audio).c_str(), formatBytes(memory.media).c_str(),
                   formatBytes(memory.thread_media).c_str());
  if (media)
    text += format(
        "           of their soft tokens %d are counted and %lld held at most, each more takes %s\n",
        GEMMAC_MEDIA_CACHE_ROWS,
        static_cast<long long>(softRowsWithinMemory(model.program, GEMMAC_CONTRACT_THREADS, model.program.context)),
        formatBytes(static_cast<uint64_t>(model.program.hidden) * sizeof(float)).c_str());
  return text;
}

/// A line for each kind of KV cache and each layer that others share.
static std::string describeCaches(const gemmac_program &program) {
  size_t width = 0;
  for (int64_t i = 0; i < program.cache_count; ++i)
    width = std::max(width, std::strlen(program.caches[i].layers));
  std::string text;
  for (int64_t i = 0; i < program.cache_count; ++i) {
    const gemmac_cache &cache = program.caches[i];
    auto number = [](int64_t value) { return static_cast<long long>(value); };
    const std::string kind = cache.window ? format("sliding, window %lld", number(cache.window)) : "full";
    text += format("%-10s layers %-*s  %-20s  ", i == 0 ? "caches" : "", static_cast<int>(width), cache.layers,
                   kind.c_str());
    if (cache.shared_from >= 0)
      text += format("read the cache of layer %lld\n", number(cache.shared_from));
    else
      text += format("%-4s  %lld x %-4lld  %7lld positions  %s%s\n", cache.format, number(cache.heads),
                     number(cache.head_dim), number(cache.positions),
                     formatBytes(static_cast<uint64_t>(cache.bytes)).c_str(),
                     cache.key_dim < cache.head_dim
                         ? format("; %lld of a key, the rest from the value", number(cache.key_dim)).c_str()
                         : "");
  }
  return text;
}

/// What a run without -t would begin with, here and now.
static std::string describeThreads(const Model &model) {
  const Processors processors = findProcessors();
  ThreadPlan plan(model.program, 0, threadsWithinMemory(model.program, processors.usable, 0));
  ThreadPool pool;
  if (Status status = pool.start(plan.poolSize()); !status.ok())
    return "threads    " + status.message() + "\n";
  plan.measure(pool);
  std::string text = format("threads    %s\n", processors.describe().c_str());
  for (const gemmac_function &function : functionsOf(model.program))
    text += format("           %s %lld: %s\n", function.name, static_cast<long long>(plan.threads(function)),
                   plan.reason(function).c_str());
  return text;
}

static std::string describeFunctions(const gemmac_program &program) {
  size_t width = 10;
  for (const gemmac_function &function : functionsOf(program))
    width = std::max(width, strlen(function.name));
  std::string text;
  for (const gemmac_function &function : functionsOf(program))
    text += format("%-*s %lld row%s at most\n", static_cast<int>(width), function.name,
                   static_cast<long long>(function.max_rows), function.max_rows == 1 ? "" : "s");
  return text;
}

static std::string describeModel(const Model &model) {
  const gemmac_program &program = model.program;
  auto number = [](int64_t value) { return static_cast<long long>(value); };
  auto bytes = [](int64_t value) { return formatBytes(static_cast<uint64_t>(value)); };
  const gemmac_function &decode = *findFunction(program, GEMMAC_DECODE);
  std::string text;
  text += format("model      %s\n", program.name);
  text += format("target     %s\n", program.target);
  text += format("levels     %s\n", describeLevels(program).c_str());
  text += format("weights    %s, %s mapped from a file of %s\n", program.weights,
                 formatBytes(program.mapped_bytes).c_str(), formatBytes(model.file.fileBytes()).c_str());
  text += format("shape      %lld layers, width %lld, %lld tokens in the vocabulary\n", number(program.layers),
                 number(program.hidden), number(program.vocab));
  text += format("context    %lld tokens\n", number(program.context));
  if (program.slots > 1)
    text += format("slots      %lld, KV cache %s each\n", number(program.slots), bytes(program.slot_bytes).c_str());
  text += format("memory     arena %s, KV cache %s, %s per thread\n", bytes(program.arena_bytes).c_str(),
                 bytes(program.slots * program.slot_bytes).c_str(), bytes(program.scratch_bytes).c_str());
  text += describeCaches(program);
  text += describeResident(model);
  text += format("per token  %s of weights read, %.2f million multiply-adds\n", bytes(decode.weight_bytes).c_str(),
                 static_cast<double>(decode.multiply_adds) / 1e6);
  text += describeFunctions(program);
  text += describeThreads(model);
  text += format("chat       %s\n", describeChat(program.chat).c_str());
  text += format("sampling   %s\n", describeSampling(program.sampling).c_str());
  return text;
}

Status runInfo(Model &model, const Options &options) {
  Output out(STDOUT_FILENO, "standard output");
  out.write(options.json ? model.program.info_json + std::string("\n") : describeModel(model));
  if (Status status = out.finish(); !status.ok())
    return status;
  if (!options.verify)
    return {};
  Status status = model.file.verify();
  if (status.ok())
    notice("the data section is intact");
  return status;
}

Status runTokenize(Model &model, bool special) {
  Input input;
  if (Status status = input.open("-"); !status.ok())
    return status;
  Output out(STDOUT_FILENO, "standard output");
  TokenStream stream(model.tokenizer);
  std::string text;
  std::vector<int32_t> ids;
  const char *separator = "";
  auto print = [&] {
    for (int32_t id : ids) {
      out.write(separator + std::to_string(id));
      separator = " ";
    }
    ids.clear();
  };
  while (!input.ended() && !out.failed()) {
    text.clear();
    if (Status status = input.read(text); !status.ok())
      return status;
    stream.push({text, special}, ids);
    if (Status status = stream.check(input.name()); !status.ok())
      return status;
    print();
  }
  stream.finish(ids);
  print();
  out.write("\n");
  return out.finish();
}

Status runDetokenize(Model &model, bool special) {
  constexpr size_t step = 4096;
  IdReader reader(model.program.vocab);
  if (Status status = reader.open("-"); !status.ok())
    return status;
  Output out(STDOUT_FILENO, "standard output");
  Utf8Stream characters;
  std::string shown;
  std::vector<int32_t> ids;
  while (!reader.ended() && !out.failed()) {
    ids.clear();
    if (Status status = reader.read(ids, step); !status.ok())
      return status;
    for (int32_t id : ids)
      if (special || model.tokenizer.kind(id) != GEMMAC_TOKEN_CONTROL)
        characters.push(model.tokenizer.text(id), shown);
    out.write(shown);
    shown.clear();
  }
  characters.finish(shown);
  out.write(shown);
  return out.finish();
}

} // namespace gemmac::runtime
