// Decoders of sounds against what libsndfile makes of the same files.
#include "MediaFiles.h"

#include <map>

using namespace gemmac::runtime;

static std::vector<float> expectedSamples(const std::string &name) {
  const std::string bytes = mediaFile(name + ".f32");
  std::vector<float> samples(bytes.size() / sizeof(float));
  memcpy(samples.data(), bytes.data(), bytes.size());
  return samples;
}

/// Samples per second of the files; of those not listed 16000.
static uint32_t expectedRate(const std::string &name) {
  if (name.starts_with("extensible"))
    return 48000;
  if (name.starts_with("channels") || name == "stereo.flac")
    return 44100;
  static const std::vector<std::string> telephone = {"u8", "s16.wav", "s24.wav", "s32", "f32", "f64", "alaw", "mulaw"};
  for (const std::string &start : telephone)
    if (name.starts_with(start))
      return 8000;
  return 16000;
}

class SoundTest : public testing::TestWithParam<std::string> {};

TEST_P(SoundTest, IsWhatLibsndfileReads) {
  Sound sound;
  Status status = decodeSound(mediaFile(GetParam()), "'a'", {}, sound);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(sound.rate, expectedRate(GetParam()));
  const std::vector<float> expected = expectedSamples(GetParam());
  ASSERT_EQ(sound.samples.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i)
    ASSERT_EQ(sound.samples[i], expected[i]) << i;
  EXPECT_EQ(sound.note.empty(), GetParam() != "lies.wav") << sound.note;
}

// A WAV file that ends early is read as far as it goes, FLAC is refused.
TEST_P(SoundTest, MayEndAnywhere) {
  const std::string bytes = mediaFile(GetParam());
  const std::vector<float> expected = expectedSamples(GetParam());
  const bool wav = GetParam().ends_with(".wav");
  size_t longest = 0;
  for (size_t size = 0; size < bytes.size(); ++size) {
    const std::vector<char> cut(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size)); // of exactly this size
    Sound sound;
    Status status = decodeSound({cut.data(), size}, "'a'", {}, sound);
    if (status.ok()) {
      ASSERT_TRUE(wav) << "of " << size << " bytes";
      longest = std::max(longest, sound.samples.size());
      ASSERT_LE(sound.samples.size(), expected.size());
      for (size_t i = 0; i < sound.samples.size(); ++i)
        ASSERT_EQ(sound.samples[i], expected[i]);
      continue;
    }
    ASSERT_EQ(status.code(), ExitCode::inputOutput);
    ASSERT_TRUE(status.message().starts_with("cannot read 'a'")) << status.message();
    ASSERT_EQ(status.message().find('\n'), std::string::npos);
  }
  if (wav) {
    EXPECT_GE(longest + 1, expected.size());
  }
}

INSTANTIATE_TEST_SUITE_P(Files, SoundTest, testing::ValuesIn(mediaFilesWith(".f32")), testName);

static std::string refusal(const std::string &bytes, const MediaLimits &limits = {}) {
  Sound sound;
  Status status = decodeSound(bytes, "'a'", limits, sound);
  EXPECT_FALSE(status.ok());
  return status.message();
}

/// A file with one of the numbers of its "fmt " chunk replaced.
static std::string withFormat(size_t at, std::vector<uint8_t> number) {
  std::string bytes = mediaFile("s16.wav");
  const size_t start = bytes.find("fmt ") + 8 + at;
  for (size_t i = 0; i < number.size(); ++i)
    bytes[start + i] = static_cast<char>(number[i]);
  return bytes;
}

TEST(SoundTest, LiesAboutTheLengthAreTold) {
  Sound sound;
  ASSERT_TRUE(decodeSound(mediaFile("lies.wav"), "'a'", {}, sound).ok());
  EXPECT_EQ(sound.note, "'a' ends early: it says that 1073741824 bytes of sound follow, and has 100 of them");
  ASSERT_TRUE(decodeSound(mediaFile("s16.wav"), "'a'", {}, sound).ok());
  EXPECT_EQ(sound.note, "");
}

TEST(SoundTest, LimitsAreKept) {
  EXPECT_NE(refusal(mediaFile("s16.wav"), {.samples = 119}).find("it has 120 samples, which is 0 seconds; at most 119"),
            std::string::npos);
  EXPECT_NE(refusal(mediaFile("s16.flac"), {.samples = 299}).find("it has 300 samples"), std::string::npos);
  EXPECT_NE(refusal(mediaFile("s16.wav"), {.seconds = 0}).find("and 0 seconds are read"), std::string::npos);
  EXPECT_NE(refusal(mediaFile("channels3.wav"), {.channels = 2}).find("3 channels, expected 1 to 2"),
            std::string::npos);
  EXPECT_NE(refusal(mediaFile("s16.wav"), {.rate = 7999}).find("8000 samples per second"), std::string::npos);
  Sound sound;
  EXPECT_TRUE(decodeSound(mediaFile("s16.wav"), "'a'", {.samples = 120, .channels = 1, .rate = 8000}, sound).ok());
}

TEST(SoundTest, FormatsThatCannotBeAreRefused) {
  EXPECT_NE(refusal(withFormat(0, {2, 0})).find("codec 0x0002 with 16 bits in 2 bytes for 1 channels"),
            std::string::npos);
  EXPECT_NE(refusal(withFormat(2, {0, 0})).find("it has 0 channels"), std::string::npos);
  EXPECT_NE(refusal(withFormat(4, {0, 0, 0, 0})).find("it has 0 samples per second"), std::string::npos);
  EXPECT_NE(refusal(withFormat(12, {0, 0})).find("in 0 bytes for 1 channels"), std::string::npos);
  EXPECT_NE(refusal(withFormat(12, {3, 0})).find("16 bits in 3 bytes"), std::string::npos);
  EXPECT_NE(refusal(withFormat(14, {0, 0})).find("0 bits in 2 bytes"), std::string::npos);
  std::string bytes = mediaFile("f32.wav");
  memcpy(bytes.data() + bytes.find("data") + 8 + 4 * 5, "\0\0\xc0\x7f", 4);
  EXPECT_EQ(refusal(bytes), "cannot read 'a' as a WAV sound: its sample 5 is not a number that can be used; it is "
                            "damaged");
  bytes = mediaFile("s16.wav");
  bytes.replace(bytes.find("fmt "), 4, "junk");
  EXPECT_NE(refusal(bytes).find("its samples come before their format"), std::string::npos);
}

// 12 bits lie in the upper bits of 16.
TEST(SoundTest, UnusedBitsAreTheLowerOnes) {
  Sound plain, narrow;
  ASSERT_TRUE(decodeSound(mediaFile("s16.wav"), "'a'", {}, plain).ok());
  ASSERT_TRUE(decodeSound(withFormat(14, {12, 0}), "'a'", {}, narrow).ok());
  EXPECT_EQ(plain.samples, narrow.samples);
}

TEST(SoundTest, OtherFilesAreNamedAsSuch) {
  const std::string advice = "convert it, for example with ffmpeg -i FILE -ac 1 sound.wav";
  EXPECT_EQ(refusal("OggS"), "cannot read 'a': it begins like no sound in WAV or FLAC; " + advice);
  EXPECT_EQ(refusal(""), refusal("OggS"));
  const std::string mp3 = "cannot read 'a': it begins like no sound in WAV or FLAC; this looks like MP3; " + advice;
  EXPECT_EQ(refusal("\xff\xfb\x90"), mp3);
  EXPECT_EQ(refusal(std::string("ID3\4\0\0\0\0\0\2ab\xff\xfb\x90", 15)), mp3);
  EXPECT_EQ(refusal("ID3"), mp3);
}

TEST(SoundTest, FlacMayFollowTags) {
  Sound sound;
  const std::string tagged = std::string("ID3\4\0\0\0\0\0\2ab", 12) + mediaFile("s16.flac");
  ASSERT_TRUE(decodeSound(tagged, "'a'", {}, sound).ok());
  EXPECT_EQ(sound.samples, expectedSamples("s16.flac"));
}
