// PNG by libpng. It leaves by longjmp() on errors: only functions without objects to destroy lie between that and the
// setjmp() here; memory is owned by their callers.
#include "media/Exif.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <png.h>
#include <vector>

namespace gemmac::runtime {

namespace {
struct PngReader {
  explicit PngReader(const MediaSource &source);
  ~PngReader() { png_destroy_read_struct(&png, &info, nullptr); }
  PngReader(const PngReader &) = delete;
  PngReader &operator=(const PngReader &) = delete;

  std::string_view rest;
  png_structp png = nullptr;
  png_infop info = nullptr;
  bool atEnd = false;
  char problem[160] = {};
};

enum class RowKind { done, wideGrey, indices };
} // namespace

[[noreturn]] static void leave(png_structp png, png_const_charp message) {
  auto &reader = *static_cast<PngReader *>(png_get_error_ptr(png));
  snprintf(reader.problem, sizeof reader.problem, "%s", message);
  png_longjmp(png, 1);
}

static void ignoreWarning(png_structp, png_const_charp) {}

static void readBytes(png_structp png, png_bytep to, size_t count) {
  auto &reader = *static_cast<PngReader *>(png_get_io_ptr(png));
  if (reader.rest.size() < count) {
    reader.atEnd = true;
    png_error(png, "ends early");
  }
  memcpy(to, reader.rest.data(), count);
  reader.rest.remove_prefix(count);
}

// What is not about pixels is skipped unread: texts and colour profiles are compressed, and may be of any size.
static const png_byte skipped[] = "iCCP\0iTXt\0tEXt\0zTXt\0sPLT\0hIST\0pCAL\0sCAL";

PngReader::PngReader(const MediaSource &source) : rest(source.bytes) {
  png = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, leave, ignoreWarning);
  info = png ? png_create_info_struct(png) : nullptr;
}

static bool readHeader(PngReader &reader) {
  if (setjmp(png_jmpbuf(reader.png)))
    return false;
  png_set_read_fn(reader.png, &reader, readBytes);
  png_set_keep_unknown_chunks(reader.png, PNG_HANDLE_CHUNK_NEVER, skipped, sizeof skipped / 5);
  png_read_info(reader.png, reader.info);
  return true;
}

/// Asks for rows of 4 bytes per pixel, or for what is made into them afterwards.
static RowKind chooseRows(PngReader &reader) {
  png_structp png = reader.png;
  const int colours = png_get_color_type(png, reader.info);
  const int bits = png_get_bit_depth(png, reader.info);
  if (colours == PNG_COLOR_TYPE_PALETTE) {
    png_set_packing(png);
    return RowKind::indices;
  }
  if (colours == PNG_COLOR_TYPE_GRAY && bits == 16)
    return RowKind::wideGrey;
  png_set_strip_16(png);
  if (colours & PNG_COLOR_MASK_ALPHA)
    png_set_strip_alpha(png);
  if (!(colours & PNG_COLOR_MASK_COLOR)) {
    if (bits < 8)
      png_set_expand_gray_1_2_4_to_8(png);
    png_set_gray_to_rgb(png);
  }
  png_set_filler(png, 255, PNG_FILLER_AFTER);
  return RowKind::done;
}

/// \param rows of 4 bytes per pixel each.
static bool readPixels(PngReader &reader, uint8_t **rows, size_t rowBytes, RowKind &kind) {
  if (setjmp(png_jmpbuf(reader.png)))
    return false;
  kind = chooseRows(reader);
  png_set_interlace_handling(reader.png);
  png_read_update_info(reader.png, reader.info);
  if (png_get_rowbytes(reader.png, reader.info) > rowBytes)
    png_error(reader.png, "rows are longer than they should be");
  png_read_image(reader.png, rows);
  png_read_end(reader.png, reader.info); // EXIF may come after the pixels
  return true;
}

/// Pillow keeps 16 bits of grey as they are, and cuts them off when it makes a picture of 8 bits.
static void cutWideGrey(uint8_t *row, uint32_t width) {
  for (uint32_t x = width; x-- > 0;) {
    const uint8_t value = row[2 * size_t{x}] ? 255 : row[2 * size_t{x} + 1];
    uint8_t *pixel = row + 4 * size_t{x};
    pixel[0] = pixel[1] = pixel[2] = value;
    pixel[3] = 255;
  }
}

/// What lies beyond the palette is black.
static void lookUp(const png_color *palette, int count, uint8_t *row, uint32_t width) {
  for (uint32_t x = width; x-- > 0;) {
    const png_color colour = row[x] < count ? palette[row[x]] : png_color{0, 0, 0};
    const uint8_t pixel[4] = {colour.red, colour.green, colour.blue, 255};
    memcpy(row + 4 * size_t{x}, pixel, 4);
  }
}

static void finishRows(const PngReader &reader, RowKind kind, Picture &picture) {
  png_colorp palette = nullptr;
  int count = 0;
  if (kind == RowKind::indices)
    png_get_PLTE(reader.png, reader.info, &palette, &count);
  for (uint32_t y = 0; y < picture.height && kind != RowKind::done; ++y)
    if (kind == RowKind::wideGrey)
      cutWideGrey(picture.row(y), picture.width);
    else
      lookUp(palette, count, picture.row(y), picture.width);
}

static unsigned orientationOf(const PngReader &reader) {
  png_uint_32 size = 0;
  png_bytep exif = nullptr;
  if (!png_get_eXIf_1(reader.png, reader.info, &size, &exif))
    return 1;
  return exifOrientation({reinterpret_cast<const char *>(exif), size});
}

static Status failure(const MediaSource &source, const PngReader &reader) {
  return reader.atEnd ? source.refuseEarlyEnd() : source.refuse(std::string(reader.problem) + "; it is damaged");
}

Status decodePng(const MediaSource &source, Picture &picture) {
  PngReader reader(source);
  if (!reader.info)
    return source.refuse("no memory");
  if (!readHeader(reader))
    return failure(source, reader);
  Status status = makePicture(source, png_get_image_width(reader.png, reader.info),
                              png_get_image_height(reader.png, reader.info), picture);
  if (!status.ok())
    return status;
  std::vector<uint8_t *> rows(picture.height);
  for (uint32_t y = 0; y < picture.height; ++y)
    rows[y] = picture.row(y);
  RowKind kind = RowKind::done;
  if (!readPixels(reader, rows.data(), picture.rowBytes(), kind))
    return failure(source, reader);
  finishRows(reader, kind, picture);
  return turnUpright(source, orientationOf(reader), picture);
}

} // namespace gemmac::runtime
