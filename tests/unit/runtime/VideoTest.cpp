// Videos frame by frame: GIF against what Pillow makes of the same files, Y4M against BT.601 in numpy; folders.
#include "MediaFiles.h"

#include "base/Text.h"
#include "encode/VideoFrames.h"
#include "generate/Prompt.h"
#include "media/Video.h"

#include <cmath>
#include <fstream>

using namespace gemmac::runtime;

namespace {
/// A frame as a PPM file has it, with an X where the fourth byte is not 255.
std::string ppmOf(const Picture &picture) {
  std::string ppm = format("P6 %u %u 255\n", picture.width, picture.height);
  for (size_t i = 0; i < size_t{picture.width} * picture.height; ++i) {
    const uint8_t *pixel = picture.pixels.get() + 4 * i;
    ppm += pixel[3] == 255 ? std::string(reinterpret_cast<const char *>(pixel), 3) : "X";
  }
  return ppm;
}

struct Frames {
  std::vector<int> begins; ///< in hundredths of a second; of a file also the end of the last
  std::vector<std::string> pictures;
};

Frames expectedFrames(const std::string &name) {
  std::string text = mediaFile(name + ".frames");
  Frames frames;
  const size_t line = text.find('\n');
  for (size_t at = 0; at < line; at = text.find_first_of(" \n", at) + 1)
    frames.begins.push_back(atoi(text.c_str() + at));
  text.erase(0, line + 1);
  const size_t count = frames.begins.size() - 1, bytes = text.size() / count;
  for (size_t i = 0; i < count; ++i)
    frames.pictures.push_back(text.substr(i * bytes, bytes));
  return frames;
}

/// All chosen frames.
Status framesOf(Video &video, uint64_t count, Frames &frames) {
  frames = {};
  video.choose(count);
  for (;;) {
    Picture picture;
    double begin = 0;
    bool ended = false;
    if (Status status = video.next(picture, begin, ended); !status.ok() || ended)
      return status;
    frames.begins.push_back(static_cast<int>(std::lround(begin * 100)));
    frames.pictures.push_back(ppmOf(picture));
  }
}

std::unique_ptr<Video> opened(const std::string &bytes, const MediaLimits &limits = {}, double rate = 0) {
  std::unique_ptr<Video> video;
  const Status status = openVideoBytes(bytes, "'a'", limits, rate, video);
  EXPECT_TRUE(status.ok()) << status.message();
  return video;
}

std::string refusal(const std::string &bytes, const MediaLimits &limits = {}) {
  std::unique_ptr<Video> video;
  Status status = openVideoBytes(bytes, "'a'", limits, 0, video);
  Frames frames;
  if (status.ok() && video)
    status = framesOf(*video, video->frames(), frames);
  EXPECT_FALSE(status.ok());
  return status.message();
}
} // namespace

class VideoTest : public testing::TestWithParam<std::string> {};

TEST_P(VideoTest, AllFramesAreThose) {
  const Frames expected = expectedFrames(GetParam());
  std::unique_ptr<Video> video = opened(mediaFile(GetParam()));
  ASSERT_TRUE(video);
  ASSERT_EQ(video->frames(), expected.pictures.size());
  EXPECT_NEAR(video->seconds() * 100, expected.begins.back(), 1e-6);
  EXPECT_EQ(video->note(), "");
  Frames got;
  const Status status = framesOf(*video, video->frames(), got);
  ASSERT_TRUE(status.ok()) << status.message();
  ASSERT_EQ(got.pictures.size(), expected.pictures.size());
  for (size_t i = 0; i < got.pictures.size(); ++i) {
    EXPECT_TRUE(got.pictures[i] == expected.pictures[i]) << "frame " << i;
    EXPECT_EQ(got.begins[i], expected.begins[i]);
  }
}

TEST_P(VideoTest, ChosenFramesAreSpreadEvenly) {
  const Frames expected = expectedFrames(GetParam());
  const size_t all = expected.pictures.size();
  for (size_t count = 1; count <= all; ++count) {
    Frames got;
    ASSERT_TRUE(framesOf(*opened(mediaFile(GetParam())), count, got).ok());
    ASSERT_EQ(got.pictures.size(), count);
    for (size_t i = 0; i < count; ++i)
      EXPECT_TRUE(got.pictures[i] == expected.pictures[i * all / count]) << i << " of " << count;
  }
}

// A GIF that ends early is refused, or has all frames of which something is there and lacks its end mark; of Y4M whole
// frames are taken, and a note says that there was more.
TEST_P(VideoTest, MayEndAnywhere) {
  const std::string bytes = mediaFile(GetParam());
  const Frames expected = expectedFrames(GetParam());
  for (size_t size = 0; size < bytes.size(); ++size) {
    std::unique_ptr<Video> video;
    Status status = openVideoBytes(bytes.substr(0, size), "'a'", {}, 0, video);
    if (status.ok() && !video) {
      ASSERT_LT(size, GetParam().ends_with(".webp") ? 21u : 9u);
      continue;
    }
    Frames got;
    if (status.ok())
      status = framesOf(*video, video->frames(), got);
    if (!status.ok()) {
      ASSERT_EQ(status.code(), ExitCode::inputOutput);
      ASSERT_TRUE(status.message().starts_with("cannot read 'a'")) << status.message();
      ASSERT_EQ(status.message().find('\n'), std::string::npos);
      continue;
    }
    ASSERT_LE(got.pictures.size(), expected.pictures.size());
    for (size_t i = 0; i < got.pictures.size(); ++i)
      ASSERT_TRUE(got.pictures[i] == expected.pictures[i]) << "frame " << i << " of " << size << " bytes";
    if (GetParam().ends_with(".y4m") && !video->note().empty()) {
      ASSERT_EQ(video->note(), "'a' ends in the middle of a frame");
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Files, VideoTest, testing::ValuesIn(mediaFilesWith(".frames")), testName);

TEST(VideoLimitsTest, AreKept) {
  const std::string gif = mediaFile("frames1.gif"), y4m = mediaFile("420jpeg.y4m");
  EXPECT_EQ(refusal(gif, {.frames = 6}),
            "cannot read 'a' as a GIF video: it has more than 6 frames, the most that are read; cut it");
  EXPECT_EQ(refusal(y4m, {.videoFrames = 2}),
            "cannot read 'a' as a Y4M video: it has more than 2 frames, the most that are read; cut it");
  EXPECT_NE(refusal(gif, {.pixels = 23 * 17 - 1}).find("it has 23 x 17 pixels, at most 390"), std::string::npos);
  EXPECT_NE(refusal(y4m, {.side = 8}).find("sides of 8"), std::string::npos);
  EXPECT_NE(refusal("YUV4MPEG2 W9 H7 F1:3600\n" + y4m.substr(y4m.find('\n') + 1)).find("it lasts 10800 seconds"),
            std::string::npos);
  const std::string webp = mediaFile("frames1.webp");
  EXPECT_EQ(refusal(webp, {.frames = 6}),
            "cannot read 'a' as a WebP video: it has more than 6 frames, the most that are read; cut it");
  EXPECT_NE(refusal(webp, {.pixels = 23 * 17 - 1}).find("it has 23 x 17 pixels, at most 390"), std::string::npos);
  EXPECT_NE(refusal(webp, {.seconds = 0}).find("at most 0 are read"), std::string::npos);
  EXPECT_NE(refusal(mediaFile("huge.gif")).find("65535 x 65535"), std::string::npos);
  EXPECT_NE(refusal("YUV4MPEG2 W100000 H100000\nFRAME\n").find("100000 x 100000 pixels"), std::string::npos);
}

TEST(VideoRefusalTest, DamageIsTold) {
  const std::string y4m = mediaFile("420jpeg.y4m"), frames = y4m.substr(y4m.find('\n') + 1);
  EXPECT_EQ(refusal("YUV4MPEG2 W9 F25:1\n"),
            "cannot read 'a' as a Y4M video: its first line lacks a width or a height; it is damaged");
  EXPECT_NE(refusal("YUV4MPEG2 W9 H7 C420p99\n").find("its colours are '420p99', expected 420,"), std::string::npos);
  EXPECT_NE(refusal("YUV4MPEG2 W9 H7 Cmonochrome\n").find("its colours are 'monochrome'"), std::string::npos);
  EXPECT_EQ(refusal("YUV4MPEG2 W9 H7\n"), "cannot read 'a' as a Y4M video: it has no whole frame");
  EXPECT_EQ(refusal("YUV4MPEG2 W9 H7\nPRAME\n" + frames),
            "cannot read 'a' as a Y4M video: no frame begins at byte 16, where one should; it is damaged");
  EXPECT_NE(refusal("YUV4MPEG2 " + std::string(5000, 'X') + "\n").find("more than 4096 bytes"), std::string::npos);
}

TEST(VideoRefusalTest, FramesOfWebpAreChecked) {
  const std::string webp = mediaFile("frames1.webp");
  const size_t second = webp.find("ANMF", webp.find("ANMF") + 1);
  std::string outside = webp, broken = webp;
  outside[second + 8] = 20;                           // its place
  const size_t third = webp.find("ANMF", second + 1); // a lossless one, of which the header stays
  std::fill_n(broken.begin() + static_cast<ptrdiff_t>(third) + 40, 500, '\xff');
  const std::string cannot = "cannot read 'a' as a WebP video: it";
  EXPECT_EQ(refusal(outside), cannot + " is damaged, or ends in the middle; copy it again");
  EXPECT_EQ(refusal(broken), cannot + "s frame 3 is damaged");
  std::unique_ptr<Video> video;
  EXPECT_TRUE(openVideoBytes(mediaFile("lossless-alpha.webp"), "'a'", {}, 0, video).ok() && !video);
}

// Frames of no pixels, which are to be taken back: nothing changes.
TEST(VideoFramesTest, MayBeEmpty) {
  std::string gif = mediaFile("frames1.gif");
  gif.pop_back();
  for (int i = 0; i < 2; ++i)
    gif += std::string("!\xf9\x04\x0c\5\0\0\0,\0\0\0\0\0\0\x05\0\0\x08\0", 20);
  Frames got;
  const Status status = framesOf(*opened(gif + ";"), 9, got);
  ASSERT_TRUE(status.ok()) << status.message();
  ASSERT_EQ(got.pictures.size(), 9u);
  EXPECT_TRUE(got.pictures[8] == got.pictures[7]);
}

TEST(VideoRateTest, IsGivenOrIsThatOfTheSpecification) {
  const std::string y4m = mediaFile("420jpeg.y4m"), frames = y4m.substr(y4m.find('\n') + 1);
  for (const char *unknown : {"", " F0:0", " F25:0"}) {
    const std::string bytes = std::string("YUV4MPEG2 W9 H7") + unknown + "\n" + frames;
    EXPECT_NEAR(opened(bytes)->seconds(), 3 / 24.0, 1e-9);
    EXPECT_NEAR(opened(bytes, {}, 2)->seconds(), 1.5, 1e-9);
  }
  EXPECT_NEAR(opened(y4m, {}, 2)->seconds(), 0.12, 1e-9);
}

TEST(VideoCountTest, OneFrameASecond) {
  EXPECT_EQ(usualCount(750, 30, 32768), 30);
  EXPECT_EQ(usualCount(750, 29.97, 32768), 29);
  EXPECT_EQ(usualCount(10, 0.4, 32768), 1);
  EXPECT_EQ(usualCount(3, 15, 32768), 3);
  EXPECT_EQ(usualCount(100000, 3000, 32768), 60);
  EXPECT_EQ(usualCount(100000, 3000, 4096), 38);
  EXPECT_EQ(usualCount(100000, 3000, 64), 1);
}

TEST(VideoCountTest, LabelsAreMinutesAndSeconds) {
  EXPECT_EQ(frameLabel(0, true), "00:00 ");
  EXPECT_EQ(frameLabel(7.99, false), " 00:07 ");
  EXPECT_EQ(frameLabel(59.999, false), " 00:59 ");
  EXPECT_EQ(frameLabel(754, false), " 12:34 ");
  EXPECT_EQ(frameLabel(6000, false), " 100:00 ");
}

namespace {
/// A folder that is gone afterwards.
struct FolderTest : testing::Test {
  std::filesystem::path folder = std::filesystem::temp_directory_path() / format("gemmac-video-%d", getpid());
  std::unique_ptr<Video> video;
  std::string name;

  void SetUp() override { std::filesystem::create_directory(folder); }
  void TearDown() override { std::filesystem::remove_all(folder); }
  void add(const std::string &file, const std::string &bytes) { std::ofstream(folder / file) << bytes; }
  Status open(const VideoOptions &options = {}) { return openVideo(folder, {}, options, video, name); }
  Status openFile(const std::string &file) {
    return openVideo(folder / file, {}, {.rate = 0, .ffmpeg = "/no/ffmpeg"}, video, name);
  }
};
} // namespace

TEST_F(FolderTest, PicturesComeByNumber) {
  add("f10.PNG", mediaFile("rgba8.png"));
  add("f9.png", mediaFile("rgba16.png"));
  add("f009.png", mediaFile("gamma.png"));
  add("notes.txt", "no picture");
  add(".hidden.png", "no picture");
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(video->frames(), 3u);
  EXPECT_EQ(video->seconds(), 3);
  Frames got;
  const Status status = framesOf(*video, 3, got);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(got.begins, (std::vector<int>{0, 100, 200}));
  EXPECT_TRUE(got.pictures[0] == mediaFile("gamma.png.ppm"));
  EXPECT_TRUE(got.pictures[1] == mediaFile("rgba16.png.ppm"));
  EXPECT_TRUE(got.pictures[2] == mediaFile("rgba8.png.ppm"));
  ASSERT_TRUE(open({.rate = 4}).ok());
  EXPECT_EQ(video->seconds(), 0.75);
}

TEST_F(FolderTest, PicturesHaveOneSize) {
  EXPECT_NE(open().message().find("no file in it ends in .jpg"), std::string::npos);
  add("a.png", mediaFile("3x5.png"));
  add("b.png", mediaFile("1x1.png"));
  ASSERT_TRUE(open().ok());
  Frames got;
  EXPECT_NE(framesOf(*video, 2, got).message().find("'b.png' has 1 x 1 pixels, but 'a.png' has 3 x 5"),
            std::string::npos);
}

TEST_F(FolderTest, FilesAreWhatTheyBeginAs) {
  add("a.mp4", mediaFile("frames0.gif"));
  add("b", mediaFile("422.y4m"));
  add("c.gif", mediaFile("plain.jpg"));
  add("d", "something else");
  add("e", "");
  for (const auto &[file, expected] : {std::pair{"a.mp4", "frames0.gif"}, {"b", "422.y4m"}}) {
    ASSERT_TRUE(openFile(file).ok());
    Frames got;
    ASSERT_TRUE(framesOf(*video, video->frames(), got).ok());
    EXPECT_TRUE(got.pictures == expectedFrames(expected).pictures);
  }
  EXPECT_EQ(openFile("c.gif").code(), ExitCode::usage);
  EXPECT_NE(openFile("c.gif").message().find("show it with --image"), std::string::npos);
  EXPECT_NE(openFile("d").message().find("can be read without ffmpeg, and there is no program '/no/ffmpeg'"),
            std::string::npos);
  EXPECT_NE(openFile("e").message().find("it is empty"), std::string::npos);
  EXPECT_EQ(openFile("f").code(), ExitCode::inputOutput);
}
