// What a program makes of `--image X --audio Y --video Z --frames N ...`, of `media X Y` and of the files named there:
// the command line, and the way from bytes to the rows that towers read. An input is words, a line each, an empty line,
// and what is in the files.
#include "MediaChecks.h"

#include "commands/CommandLine.h"
#include "encode/VideoFrames.h"
#include "engine/Cpu.h"
#include "features/Image.h"
#include "features/Mel.h"
#include "features/Resample.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

using namespace gemmac;
using namespace gemmac::runtime;

namespace {
/// A buffer for kernels, which no sanitizer watches, with a border that they must leave alone.
template <typename T> class Fenced {
public:
  explicit Fenced(size_t count) : values(count + 2 * border, fence) {}
  ~Fenced() {
    for (size_t i = 0; i < border; ++i)
      require(values[i] == fence && values[values.size() - 1 - i] == fence);
  }
  std::span<T> inside() { return std::span(values).subspan(border, values.size() - 2 * border); }

private:
  static constexpr size_t border = 64;
  static constexpr T fence = T(-77);
  std::vector<T> values;
};
} // namespace

static const FeatureRunner &runner() {
  static SerialFor serial;
  static const FeatureRunner found = [] {
    const FeatureKernels *kernels = nullptr;
    require(findFeatureKernels(cpuFeatures(), kernels).ok());
    return FeatureRunner{*kernels, serial};
  }();
  return found;
}

static gemmac_program program() {
  gemmac_program program = {};
  program.name = program.target = program.weights = "f";
  return program;
}

/// Every word that may name a file, in their order: behind an option of media, or alone. Others may still take it as
/// their value.
static std::vector<MediaOption> mayBeGiven(const std::vector<std::string> &words) {
  std::vector<MediaOption> found;
  auto note = [&](const std::string &option, size_t next) {
    for (const auto &[name, kind] : {std::pair{std::string("--image"), MediaKind::picture},
                                     {"--audio", MediaKind::sound},
                                     {"--video", MediaKind::video}}) {
      // CLI11 looks for a value in the next word where there is none behind "=".
      if ((option == name || option == name + "=") && next < words.size())
        found.push_back({kind, words[next]});
      else if (option.starts_with(name + "="))
        found.push_back({kind, option.substr(name.size() + 1)});
    }
  };
  for (size_t i = 1; i < words.size(); ++i) {
    const std::string &word = words[i];
    note(word, i + 1);
    // CLI11 reads on behind flags of one letter: -q-image=f is -q --image=f.
    if (word.starts_with("-"))
      for (size_t dash = word.find('-', 2); dash != std::string::npos; dash = word.find('-', dash + 1))
        note("-" + word.substr(dash), i + 1);
    found.push_back({MediaKind::none, word});
  }
  return found;
}

/// What was accepted was given, in this order, and is within what is allowed. \returns how often standard input is.
static int64_t checkMedia(const std::vector<std::string> &words, const MediaOptions &media) {
  const std::vector<MediaOption> given = mayBeGiven(words);
  auto at = given.begin();
  for (const MediaOption &file : media.files) {
    at = std::find_if(at, given.end(),
                      [&](const MediaOption &one) { return one.kind == file.kind && one.path == file.path; });
    require(at != given.end());
    ++at;
  }
  require(media.imageTokens >= 0 && media.imageTokens <= mostSoftTokens && media.frames >= 0);
  require(media.frameRate == 0 || (media.frameRate >= 0.001 && media.frameRate <= 1000));
  return std::ranges::count(media.files, "-", &MediaOption::path);
}

static void checkOptions(const std::vector<std::string> &words, const Options &options) {
  const AnswerOptions &answer = options.answer;
  const int64_t fromInput = checkMedia(words, answer.media), told = checkMedia(words, options.tell.media);
  require(fromInput == 0 || (fromInput == 1 && answer.prompt));
  require(answer.media.files.empty() || (!answer.raw && answer.promptIds.empty()));
  require(answer.media.files.empty() || options.command == Command::answer);
  require(std::ranges::count(answer.media.files, MediaKind::none, &MediaOption::kind) == 0);
  const size_t count = options.tell.media.files.size();
  require(options.command == Command::media ? count >= 1 && told <= 1 : count == 0);
  require(options.tell.soft.empty() || count == 1);
}

/// Of published models, and one whose patches no kernel is made for.
static constexpr PatchGrid grids[] = {{16, 3}, {48, 1}, {10, 2}};

static void cutIntoPatches(const Picture &picture, int64_t budget) {
  const PixelView view{picture.pixels.get(), {picture.height, picture.width}, static_cast<int64_t>(picture.rowBytes())};
  const PatchGrid grid = grids[static_cast<size_t>(budget) % std::size(grids)];
  ImageSize size;
  if (const Status status = targetSize(view.size, grid, budget, size); !status.ok())
    return require(status.code() == ExitCode::usage);
  const int64_t cell = grid.cell(), side = grid.patch;
  require(size.width > 0 && size.height > 0 && size.width % cell == 0 && size.height % cell == 0);
  require(size.width / cell * (size.height / cell) <= budget);
  const int64_t count = size.width / side * (size.height / side);
  Fenced<float> values(static_cast<size_t>(count * grid.patchValues()));
  std::vector<PatchPosition> places(static_cast<size_t>(count));
  require(patches(runner(), view, size, grid, values.inside(), places).ok());
  for (float value : values.inside())
    require(value >= 0 && value <= 1);
  require(places.back().x == size.width / side - 1 && places.back().y == size.height / side - 1);
}

static void showPicture(std::string_view bytes, int64_t budget) {
  Picture picture;
  if (const Status status = decodePicture(bytes, "'f'", fuzzLimits(), picture); !status.ok())
    return checkRefusal(status);
  cutIntoPatches(picture, budget);
}

static void playSound(std::string_view bytes) {
  Sound sound;
  if (const Status status = decodeSound(bytes, "'f'", fuzzLimits(), sound); !status.ok())
    return checkRefusal(status);
  const auto length = resampledLength(static_cast<int64_t>(sound.samples.size()), sound.rate);
  require(length >= 0 && length <= (int64_t{1} << 32));
  if (length > mostMelSamples)
    return; // minutes, which take long
  Fenced<float> wave(static_cast<size_t>(length));
  if (const Status status = resample(runner(), sound.samples, sound.rate, wave.inside()); !status.ok())
    return require(status.code() == ExitCode::usage);
  const MelSize frames = melSize(length);
  require(frames.valid <= frames.frames && frames.valid <= 3000);
  Fenced<float> mel(static_cast<size_t>(std::max<int64_t>(frames.frames, 0) * melBins));
  if (const Status status = melFeatures(runner(), wave.inside(), mel.inside()); !status.ok())
    return require(status.code() == ExitCode::usage);
  for (float value : mel.inside())
    require(std::isfinite(value));
}

static void showVideo(std::string_view bytes, const MediaOptions &media) {
  constexpr int64_t context = 1000;
  std::unique_ptr<Video> video;
  MediaLimits limits = fuzzLimits();
  limits.pixels = 1 << 12;
  limits.frames = limits.videoFrames = 100;
  Status status = openVideoBytes(std::string(bytes), "'f'", limits, media.frameRate, video);
  if (!status.ok())
    return checkRefusal(status);
  if (!video)
    return;
  int64_t frames = 0;
  double before = 0;
  auto take = [&](Picture &&picture, double begin, int64_t &tokens) -> Status {
    require(begin >= before && begin <= video->seconds());
    before = begin;
    tokens = 10;
    if (frames++ == 0)
      cutIntoPatches(picture, frameTokens);
    return {};
  };
  std::string note;
  const auto all = static_cast<int64_t>(video->frames());
  status = takeFrames(*video, "'f'", {media.frames, context}, take, note);
  if (status.ok())
    return require(frames == (media.frames ? media.frames : usualCount(video->frames(), video->seconds(), context)));
  if (status.code() == ExitCode::usage)
    return require(media.frames > all && frames == 0);
  if (status.code() == ExitCode::context)
    return require(frames == 1);
  checkRefusal(status);
}

/// Beginnings tell as much as the whole, and what is read here is not taken for anything else.
static MediaKind kindOf(std::string_view bytes) {
  const MediaKind kind = mediaKind(bytes), early = mediaKind(bytes.substr(0, enoughForKind));
  require(early == kind || (early == MediaKind::none && bytes.starts_with("ID3")));
  require(kind == MediaKind::none || likelyKind(bytes) == kind);
  return kind;
}

static void take(MediaKind kind, std::string_view bytes, const MediaOptions &media) {
  switch (kind == MediaKind::none ? kindOf(bytes) : kind) {
  case MediaKind::picture:
    return showPicture(bytes, media.imageTokens ? media.imageTokens : 70);
  case MediaKind::sound:
    return playSound(bytes);
  case MediaKind::video:
    return showVideo(bytes, media);
  case MediaKind::none:
    return;
  }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view text = mediaInput(data, size);
  std::vector<std::string> words = {"prog"};
  while (!text.empty() && text.front() != '\n' && words.size() < 20) {
    const size_t end = std::min(text.find('\n'), text.size());
    words.emplace_back(text.substr(0, std::min(text.find('\0'), end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (text.starts_with('\n'))
    text.remove_prefix(1);
  std::vector<char *> argv;
  for (std::string &word : words)
    argv.push_back(word.data());
  argv.push_back(nullptr);
  Options options;
  int exitCode = -1;
  if (!parseCommandLine(static_cast<int>(words.size()), argv.data(), program(), options, exitCode)) {
    require(exitCode == static_cast<int>(ExitCode::success) || exitCode == static_cast<int>(ExitCode::usage));
    return 0;
  }
  checkOptions(words, options);
  for (const MediaOptions &media : {options.answer.media, options.tell.media})
    for (const MediaOption &file : media.files)
      take(file.kind, text, media);
  return 0;
}
