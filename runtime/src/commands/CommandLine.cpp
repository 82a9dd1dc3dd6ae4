// The one file that is compiled with exceptions: CLI11 throws to report errors, help included.
#include "commands/CommandLine.h"

#include "base/Files.h"
#include "base/Notice.h"
#include "base/Numbers.h"
#include "base/Status.h"
#include "base/Text.h"
#include "gemmac/abi.h"

#include <CLI/CLI.hpp>

#include <array>
#include <ctime>
#include <sstream>
#include <sys/random.h>
#include <unistd.h>

#ifndef GEMMAC_VERSION
#error "the build passes GEMMAC_VERSION"
#endif

namespace gemmac::runtime {

static const char *examples = R"(
Examples
  PROG                                   chat; /help lists the commands
  PROG -p "Why is the sky blue?"         one answer
  git diff | PROG --system "Review it."  the prompt on standard input
  PROG -p "Once upon a time" --raw -n 50 continue a text, without the chat format
  PROG -p "2+2?" --temperature 0 -q      the same answer every time, nothing else printed
  PROG media cat.png                     what the model sees of a picture
  PROG bench -p 256 -n 64 -t 4           speed on this machine
  PROG info                              what was compiled in

Exit codes: 0 done, 1 internal error, 2 usage, 3 damaged program, 4 input or output,
5 unsuitable processor, 6 context too small, 130 stopped by Ctrl-C.
)";

static CLI::Validator whole(int64_t low, int64_t high = unlimited) {
  return CLI::Validator([low, high](std::string &text) { return wholeNumberProblem(text, low, high); }, "");
}

static CLI::Validator within(double low, double high) {
  return CLI::Validator([low, high](std::string &text) { return numberProblem(text, low, high); }, "");
}

static void addEngineOptions(CLI::App &app, EngineOptions &engine) {
  app.add_option("-t,--threads", engine.threads, "Threads (default: as many as pay, of those the system grants)")
      ->check(whole(1, 1024));
  app.add_option("--isa", engine.isa, "Instruction set level, as `info` lists them (default: the best)");
  app.add_option("--chunk", engine.chunk, "Prompt tokens processed at once (default: as many as compiled in)")
      ->check(whole(1));
  app.add_option("--context", engine.context, "Use only so many positions of the context")->check(whole(1));
}

static void addSamplingOptions(CLI::App &app, SamplingOptions &sampling, std::string &seed) {
  const char *group = "Sampling";
  app.add_option("--temperature", sampling.temperature, "0: always the likeliest token")
      ->capture_default_str()
      ->check(within(0, 1000))
      ->group(group);
  app.add_option("--top-k", sampling.topK, "Only the K likeliest tokens; 0: off")
      ->capture_default_str()
      ->check(whole(0))
      ->group(group);
  app.add_option("--top-p", sampling.topP, "Only the likeliest tokens that together reach P; 1: off")
      ->capture_default_str()
      ->check(within(0, 1))
      ->group(group);
  app.add_option("--min-p", sampling.minP, "Only tokens at least P times as likely as the likeliest; 0: off")
      ->capture_default_str()
      ->check(within(0, 1))
      ->group(group);
  app.add_option("--repeat-penalty", sampling.repetitionPenalty, "Above 1: against repetition")
      ->capture_default_str()
      ->check(within(0.01, 100))
      ->group(group);
  app.add_option("--seed", seed, "Of the random numbers (default, and -1: a new one each time)")
      ->type_name("UINT")
      ->check(CLI::Validator([](std::string &text) { return seedProblem(text); }, ""))
      ->group(group);
}

static constexpr const char *mediaFiles = "files"; // those of the command, whose kinds are found out

/// \param descriptions  of --image, --audio and --video.
static void addMediaOptions(CLI::App &app, MediaOptions &media, const std::array<const char *, 3> &descriptions) {
  const char *group = "Pictures, sounds, videos";
  constexpr const char *names[] = {"--image", "--audio", "--video"};
  for (size_t i = 0; i < descriptions.size(); ++i)
    app.add_option(names[i])
        ->description(descriptions[i])
        ->type_name("FILE")
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->group(group);
  app.add_option("--image-tokens", media.imageTokens, "Most tokens of a picture")->check(whole(1, 1120))->group(group);
  app.add_option("--frames", media.frames, "So many frames of a video (default: one a second, at most 60)")
      ->check(whole(1))
      ->group(group);
  app.add_option("--frame-rate", media.frameRate, "Of videos that do not say (default: 24, of folders 1)")
      ->check(within(0.001, 1000))
      ->group(group);
  app.add_flag("--audio-split", media.audioSplit, "Play sounds of more than 30 seconds in parts")->group(group);
  app.add_option("--ffmpeg", media.ffmpeg, "What reads other kinds of files (default: the one in PATH)")
      ->type_name("FILE")
      ->group(group);
}

static void addAnswerOptions(CLI::App &app, AnswerOptions &answer) {
  app.add_option("-p,--prompt", answer.prompt, "Answer this and leave");
  app.add_option("--prompt-ids", answer.promptIds, "Take the prompt as token ids from a file; '-': standard input");
  app.add_option("-n,--tokens", answer.limit, "Generate at most so many tokens")->check(whole(1));
  app.add_flag("--raw", answer.raw, "No chat format: continue the text");
  app.add_option("--system", answer.chat.system, "Instructions for the whole conversation");
  ChatOptions &chat = answer.chat;
  CLI::Option *think =
      app.add_flag_callback("--think", [&chat] { chat.thinking = GEMMAC_THINK_ON; }, "Let the model think first");
  app.add_flag_callback(
         "--no-think", [&chat] { chat.thinking = GEMMAC_THINK_OFF; },
         "Do not let a model think that does so by default")
      ->excludes(think);
  app.add_flag("--keep-thoughts", chat.keepThoughts, "Leave thoughts of earlier answers in the conversation");
  app.add_flag("--hide-thoughts", answer.hideThoughts, "Do not show thoughts on a terminal");
  app.add_flag("--show-thoughts", answer.showThoughts, "Show thoughts where standard output is no terminal");
  app.add_option("--stop", answer.stops, "End the answer before this text; may be given several times")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  addMediaOptions(app, answer.media,
                  {"Show this picture first; '-': standard input; may be repeated", "Play this sound first; the same",
                   "Show this video, or folder of pictures, first; the same"});
  app.add_flag("--special", answer.special, "Print control tokens; with --raw, also recognise them in the prompt");
  app.add_flag("--ids", answer.printIds, "Print token ids instead of text, the stop token included");
  app.add_flag("-q,--quiet", answer.quiet, "No statistics");
}

static void addMediaCommand(CLI::App *media, Options &options) {
  // As many as there are, without allow_extra_args(), which would take "[a,b]" for the files a and b. That there are
  // fewer than it expects is no error where all are taken.
  constexpr int more = CLI::detail::expected_max_vector_size;
  media->add_option(mediaFiles)
      ->description("Pictures, sounds, videos, folders of pictures; '-': standard input")
      ->type_name("FILE")
      ->expected(more, more)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  addMediaOptions(*media, options.tell.media,
                  {"A file that is to be taken as a picture", "As a sound, such as that of a video",
                   "As a video, such as all frames of a GIF"});
  media->add_option("--soft", options.tell.soft,
                    "Also run the tower and write the soft tokens of the one file, as npy f32 [tokens, hidden]");
  media->add_flag("--json", options.json, "Print JSON");
  addEngineOptions(*media, options.engine);
}

/// "640x480". \returns what is wrong with it; empty for a size.
static std::string pictureSize(const std::string &text, int64_t &width, int64_t &height) {
  const size_t middle = text.find('x');
  std::string sides[] = {text.substr(0, middle), middle == text.npos ? "" : text.substr(middle + 1)};
  for (std::string &side : sides)
    if (!wholeNumberProblem(side, 1, 65535).empty())
      return format("got '%s', expected WIDTHxHEIGHT, each 1 to 65535", text.c_str());
  width = std::stoll(sides[0]);
  height = std::stoll(sides[1]);
  return "";
}

static void addBenchCommand(CLI::App *bench, Options &options) {
  BenchOptions &measured = options.bench;
  bench->add_option("-p", measured.promptTokens, "Tokens of the prompt; 0: none")
      ->capture_default_str()
      ->check(whole(0));
  bench->add_option("-n", measured.decodeTokens, "Tokens decoded after it; 0: none")
      ->capture_default_str()
      ->check(whole(0));
  bench->add_option("--depth", measured.depth, "Begin as if so many tokens had been fed")
      ->capture_default_str()
      ->check(whole(0));
  bench->add_option("--verify", measured.verifyRows, "Also as many calls with so many rows as -n says tokens")
      ->check(whole(2, 64));
  bench
      ->add_option("--sequences", measured.sequences,
                   "Also decode so many sequences together; several numbers, as 1,2,4, one after the other")
      ->delimiter(',')
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->check(whole(1, 1024));
  bench->add_flag("--kernels", measured.kernels, "Also time by kernel; for programs compiled with --profile");
  bench->add_flag("--roof", measured.roof, "Also measure how fast the weights can be read");
  bench->add_option("--repetitions", measured.repetitions, "Measured rounds, after one that warms up")
      ->capture_default_str()
      ->check(whole(1, 1000));
  bench->add_flag("--json", options.json, "Print JSON");
  bench
      ->add_option_function<std::string>(
          "--image",
          [&measured](const std::string &text) {
            if (std::string problem = pictureSize(text, measured.imageWidth, measured.imageHeight); !problem.empty())
              throw CLI::ValidationError("--image", problem);
          },
          "Also encode a random picture of so many pixels")
      ->type_name("WxH");
  bench->add_option("--audio", measured.audioSeconds, "Also encode so many seconds of random sound")
      ->check(within(0.02, 3600));
  bench->add_option("--image-tokens", measured.imageTokens, "Most tokens of the picture")->check(whole(1, 1120));
  addEngineOptions(*bench, options.engine);
}

static void addCommands(CLI::App &app, Options &options) {
  auto add = [&](const char *name, const char *summary, Command command) {
    CLI::App *sub = app.add_subcommand(name, summary);
    sub->callback([&options, command] { options.command = command; });
    return sub;
  };
  CLI::App *info = add("info", "What was compiled in", Command::info);
  info->add_flag("--json", options.json, "The compile report as JSON");
  info->add_flag("--verify", options.verify, "Also read the whole data section and check it");

  addMediaCommand(add("media", "What the model sees of pictures and hears of sounds", Command::media), options);

  CLI::App *tokenize = add("tokenize", "Text on standard input to token ids", Command::tokenize);
  tokenize->add_flag("--special", options.special, "Recognise control tokens in the text");
  CLI::App *detokenize = add("detokenize", "Token ids on standard input to text", Command::detokenize);
  detokenize->add_flag("--special", options.special, "Print control tokens");

  addBenchCommand(add("bench", "Measure speed and memory", Command::bench), options);

  CLI::App *score = add("score", "Logits or likelihood of given tokens", Command::score);
  score->add_option("--ids", options.score.ids, "File of token ids, fed as they are; '-': standard input");
  score->add_option("--logits", options.score.logits,
                    "Write the logits of every token fed, as npy f32 [tokens, vocab]");
  score->add_flag("--lines", options.score.lines, "Each line of the ids is a text of its own");
  score->add_option("--reference", options.score.reference,
                    "Compare with the logits that another program wrote for the same ids: KL divergence");
  score->add_option("--moments", options.score.moments,
                    "Of an observing program: write what its matrices' inputs added up to");
  score->add_option("--prefill", options.score.prefill, "Feed the first so many ids without scoring them")
      ->check(whole(0));
  score->add_option("--text", options.score.text, "File of text; prints the mean negative log-likelihood per token");
  score->add_option("--window", options.score.window, "Tokens fed together, behind <bos> (default: 255)")
      ->check(whole(1));
  score->add_flag("--decode", options.score.decodeOnly, "Feed single tokens");
  score->add_flag("--json", options.json, "Print JSON");
  addEngineOptions(*score, options.engine);
}

/// --image, --audio, --video and files without an option, in the order in which they were given.
static void readMedia(const CLI::App &app, MediaOptions &media) {
  static constexpr std::pair<const char *, MediaKind> kinds[] = {{"--image", MediaKind::picture},
                                                                 {"--audio", MediaKind::sound},
                                                                 {"--video", MediaKind::video},
                                                                 {mediaFiles, MediaKind::none}};
  size_t seen[std::size(kinds)] = {};
  for (const CLI::Option *option : app.parse_order())
    for (size_t i = 0; i < std::size(kinds); ++i)
      if (option->check_name(kinds[i].first))
        media.files.push_back({kinds[i].second, option->results()[seen[i]++]});
}

static Status checkTold(const TellOptions &tell) {
  const std::vector<MediaOption> &files = tell.media.files;
  if (files.empty())
    return {ExitCode::usage, "media: name a file: a picture, a sound, a video, or '-' for standard input"};
  if (!tell.soft.empty() && files.size() > 1)
    return {ExitCode::usage, format("media: --soft writes the soft tokens of one file, got %zu", files.size())};
  if (std::ranges::count(files, "-", &MediaOption::path) > 1)
    return {ExitCode::usage, "media: '-' takes all of standard input; give it once"};
  return {};
}

static Status checkMedia(const AnswerOptions &answer) {
  if (answer.media.files.empty())
    return {};
  if (answer.raw || !answer.promptIds.empty())
    return {ExitCode::usage,
            "--image, --audio and --video need the chat format; they do not go with --raw or --prompt-ids"};
  const auto fromInput = std::ranges::count(answer.media.files, "-", &MediaOption::path);
  if (fromInput > 1 || (fromInput == 1 && !answer.prompt))
    return {ExitCode::usage, "--image, --audio or --video '-' takes all of standard input; give the others as files "
                             "and the prompt with -p"};
  return {};
}

// Options of the answer given along with a command would silently do nothing.
static Status checkCombinations(const CLI::App &app, const Options &options) {
  const auto commands = app.get_subcommands();
  for (const CLI::Option *option : app.get_options()) {
    const bool engine = option->check_lname("threads") || option->check_lname("isa") || option->check_lname("chunk") ||
                        option->check_lname("context");
    if (option->count() > 0 && !commands.empty() && !engine)
      return {ExitCode::usage, format("%s does not go with '%s'", option->get_name(false, true).c_str(),
                                      commands.front()->get_name().c_str())};
  }
  if (options.command == Command::media)
    return checkTold(options.tell);
  const AnswerOptions &answer = options.answer;
  if (answer.prompt && !answer.promptIds.empty())
    return {ExitCode::usage, "-p and --prompt-ids exclude each other"};
  const bool chatOptions = answer.chat.thinking != GEMMAC_THINK_DEFAULT || answer.chat.system;
  if ((answer.raw || !answer.promptIds.empty()) && chatOptions)
    return {ExitCode::usage, "--system and --think need the chat format; they do not go with --raw or --prompt-ids"};
  if (answer.hideThoughts && answer.showThoughts)
    return {ExitCode::usage, "--hide-thoughts and --show-thoughts exclude each other"};
  return checkMedia(answer);
}

static uint64_t newSeed() {
  uint32_t seed = 0; // 32 bits: people copy it from the statistics
  if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
    seed = static_cast<uint32_t>(time(nullptr));
  return seed;
}

static std::string withProgramName(std::string text) {
  const std::string name = programName();
  for (size_t at = 0; (at = text.find("PROG", at)) != text.npos; at += name.size())
    text.replace(at, 4, name);
  return text;
}

static int fail(const Status &status) {
  if (!status.message().empty())
    notice("error: " + status.message());
  return static_cast<int>(status.code());
}

// --help and --version.
static int print(const CLI::App &app, const CLI::Success &wanted) {
  std::ostringstream text;
  app.exit(wanted, text, text);
  Output out(STDOUT_FILENO, "standard output");
  out.write(text.str());
  return fail(out.finish());
}

// CLI11 counts values, and says how many.
static std::string explain(const CLI::ParseError &error) {
  const std::string text = error.what();
  return error.get_name() == "ArgumentMismatch" ? text.substr(0, text.find(':')) + ": needs a value" : text;
}

bool parseCommandLine(int argc, char **argv, const gemmac_program &program, Options &options, int &exitCode) {
  options.sampling.temperature = static_cast<double>(program.sampling.temperature);
  options.sampling.topK = program.sampling.top_k;
  options.sampling.topP = static_cast<double>(program.sampling.top_p);
  CLI::App app(format("%s, compiled by gemmac for %s with %s weights. Without -p it chats on a terminal and answers "
                      "standard input otherwise.",
                      program.name, program.target, program.weights),
               programName());
  app.set_version_flag("--version", format("gemmac %s, runtime ABI %u; %s (%s, %s)", GEMMAC_VERSION, GEMMAC_ABI_VERSION,
                                           program.name, program.target, program.weights));
  app.footer(withProgramName(examples));
  app.require_subcommand(0, 1);
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast); // so that an alias can be overridden
  std::string seed;
  addAnswerOptions(app, options.answer);
  addSamplingOptions(app, options.sampling, seed);
  addEngineOptions(app, options.engine);
  addCommands(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success &wanted) {
    exitCode = print(app, wanted);
    return false;
  } catch (const CLI::ParseError &error) {
    exitCode = fail({ExitCode::usage, explain(error) + "; --help explains the options"});
    return false;
  }
  readMedia(app, options.answer.media);
  readMedia(*app.get_subcommand("media"), options.tell.media);
  if (Status status = checkCombinations(app, options); !status.ok()) {
    exitCode = fail(status);
    return false;
  }
  options.sampling.seed = seedOf(seed).value_or(newSeed());
  return true;
}

} // namespace gemmac::runtime
