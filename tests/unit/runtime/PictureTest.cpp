// Decoders of pictures against what Pillow makes of the same files.
#include "MediaFiles.h"

#include "base/Text.h"
#include "media/Exif.h"

using namespace gemmac::runtime;

/// Red, green and blue of a picture as a PPM file has them; "X" where the fourth byte is not 255.
static std::string ppmOf(const Picture &picture) {
  std::string ppm = format("P6 %u %u 255\n", picture.width, picture.height);
  for (size_t i = 0; i < size_t{picture.width} * picture.height; ++i) {
    const uint8_t *pixel = picture.pixels.get() + 4 * i;
    ppm += pixel[3] == 255 ? std::string(reinterpret_cast<const char *>(pixel), 3) : "X";
  }
  return ppm;
}

class PictureTest : public testing::TestWithParam<std::string> {};

TEST_P(PictureTest, IsWhatPillowReads) {
  Picture picture;
  Status status = decodePicture(mediaFile(GetParam()), "'a'", {}, picture);
  ASSERT_TRUE(status.ok()) << status.message();
  const std::string expected = mediaFile(GetParam() + ".ppm"), got = ppmOf(picture);
  ASSERT_EQ(got.substr(0, got.find('\n')), expected.substr(0, expected.find('\n')));
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i)
    ASSERT_EQ(static_cast<uint8_t>(got[i]), static_cast<uint8_t>(expected[i])) << "at byte " << i << " of the PPM";
}

// A picture that ends early is refused with one line, or is complete: what is missing then is not about pixels, but the
// end of the file or a second frame.
TEST_P(PictureTest, MayEndAnywhere) {
  const std::string bytes = mediaFile(GetParam());
  const std::string expected = mediaFile(GetParam() + ".ppm");
  size_t refused = 0;
  for (size_t size = 0; size < bytes.size(); ++size) {
    const std::vector<char> cut(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size)); // of exactly this size
    Picture picture;
    Status status = decodePicture({cut.data(), size}, "'a'", {}, picture);
    if (status.ok()) {
      ASSERT_EQ(ppmOf(picture), expected) << "of " << size << " bytes";
      continue;
    }
    ++refused;
    ASSERT_EQ(status.code(), ExitCode::inputOutput);
    ASSERT_TRUE(status.message().starts_with("cannot read 'a'")) << status.message();
    ASSERT_EQ(status.message().find('\n'), std::string::npos);
  }
  EXPECT_GE(refused, GetParam() == "animated.gif" ? bytes.size() / 3 : bytes.size() - 20);
}

INSTANTIATE_TEST_SUITE_P(Files, PictureTest, testing::ValuesIn(mediaFilesWith(".ppm")), testName);

static std::string refusal(const std::string &bytes, const MediaLimits &limits = {}) {
  Picture picture;
  Status status = decodePicture(bytes, "'a'", limits, picture);
  EXPECT_FALSE(status.ok());
  return status.message();
}

TEST(PictureLimitsTest, HeadersThatClaimMuchAreRefusedBeforeAllocation) {
  EXPECT_EQ(refusal(mediaFile("huge.png")),
            "cannot read 'a' as a PNG picture: it has 100000 x 100000 pixels, at most 67108864 and sides of 65535 are "
            "read; make it smaller");
  EXPECT_NE(refusal(mediaFile("huge.jpg")).find("it has 65000 x 65000 pixels, at most"), std::string::npos);
  EXPECT_NE(refusal(mediaFile("huge.gif")).find("it has 65535 x 65535 pixels, at most"), std::string::npos);
  EXPECT_NE(refusal(mediaFile("huge.webp")).find("it has 16383 x 16383 pixels, at most"), std::string::npos);
}

TEST(PictureLimitsTest, AreKept) {
  MediaLimits limits;
  limits.pixels = 19 * 13 - 1;
  EXPECT_NE(refusal(mediaFile("plain.jpg"), limits).find("it has 19 x 13 pixels, at most 246"), std::string::npos);
  limits = {.side = 18};
  EXPECT_NE(refusal(mediaFile("filters.png"), limits).find("sides of 18"), std::string::npos);
  limits = {.scans = 3};
  EXPECT_NE(refusal(mediaFile("progressive.jpg"), limits).find("it has more than 3 scans"), std::string::npos);
  limits = {.frames = 1};
  EXPECT_NE(refusal(mediaFile("animated.webp"), limits).find("it has 2 frames, at most 1"), std::string::npos);
  Picture picture;
  limits = {.pixels = 19 * 13, .side = 19, .scans = 10};
  EXPECT_TRUE(decodePicture(mediaFile("progressive.jpg"), "'a'", limits, picture).ok());
}

TEST(PictureRefusalTest, OtherFilesAreNamedAsSuch) {
  EXPECT_EQ(refusal("BM12"), "cannot read 'a': it begins like no picture in JPEG, PNG, WebP or GIF; convert it, for "
                             "example with ffmpeg -i FILE picture.png");
  EXPECT_EQ(refusal(""), refusal("BM12"));
  EXPECT_EQ(refusal(mediaFile("s16.wav")), refusal("BM12"));
}

TEST(PictureRefusalTest, DamageIsTold) {
  std::string bytes = mediaFile("filters.png");
  bytes[bytes.find("IDAT") + 20] ^= 1;
  EXPECT_TRUE(refusal(bytes).starts_with("cannot read 'a' as a PNG picture: IDAT: ")) << refusal(bytes);
  bytes = mediaFile("plain.gif");
  bytes[13 + 48 + 10] = 12;
  EXPECT_NE(refusal(bytes).find("its codes begin with 12 bits"), std::string::npos);
  EXPECT_EQ(refusal(mediaFile("3x5.jpg").substr(0, 300)),
            "cannot read 'a' as a JPEG picture: it ends in the middle, after 300 bytes; copy it again");
}

TEST(ExifTest, NothingValidIsUpright) {
  auto exif = [](const std::string &header, const std::string &entry) {
    return "Exif" + std::string("\0\0", 2) + header + std::string("\1\0", 2) + entry;
  };
  const std::string little("II*\0\x08\0\0\0", 8), six("\x12\x01\3\0\1\0\0\0\6\0\0\0", 12);
  EXPECT_EQ(exifOrientation(exif(little, six)), 6u);
  EXPECT_EQ(exifOrientation(exif(little, six).substr(6)), 6u);
  for (size_t size = 0; size < exif(little, six).size(); ++size)
    EXPECT_EQ(exifOrientation(exif(little, six).substr(0, size)), 1u) << size;
  std::string other = six;
  other[2] = 4; // 32 bits
  EXPECT_EQ(exifOrientation(exif(little, other)), 1u);
  other = six;
  other[8] = 9;
  EXPECT_EQ(exifOrientation(exif(little, other)), 1u);
  EXPECT_EQ(exifOrientation(exif(std::string("II*\0\xff\xff\xff\xff", 8), six)), 1u);
}
