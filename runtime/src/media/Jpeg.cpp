// JPEG by libjpeg-turbo. It leaves by longjmp() on errors: only functions without objects to destroy lie between that
// and the setjmp() here; memory is owned by their callers.
#include "media/Exif.h"

#include <algorithm>
#include <csetjmp>
#include <cstdio> // jpeglib.h wants it
#include <jerror.h>
#include <jpeglib.h>

namespace gemmac::runtime {

namespace {
struct JpegReader {
  explicit JpegReader(const MediaSource &source);
  ~JpegReader() { jpeg_destroy_decompress(&state); }
  JpegReader(const JpegReader &) = delete;
  JpegReader &operator=(const JpegReader &) = delete;

  jpeg_decompress_struct state{};
  jpeg_error_mgr errors{};
  jpeg_source_mgr input{};
  jpeg_progress_mgr progress{};
  std::jmp_buf escape{};
  uint32_t scans; ///< how many are read
  bool tooManyScans = false, atEnd = false;
  char problem[JMSG_LENGTH_MAX] = {};
};
} // namespace

template <typename Struct> static JpegReader &readerOf(Struct *state) {
  return *static_cast<JpegReader *>(state->client_data);
}

[[noreturn]] static void leave(j_common_ptr state) {
  JpegReader &reader = readerOf(state);
  state->err->format_message(state, reader.problem);
  longjmp(reader.escape, 1);
}

static void ignoreMessage(j_common_ptr, int) {} // a warning: the picture is damaged, and read as Pillow reads it
static void ignoreOutput(j_common_ptr) {}

static void countScan(j_common_ptr state) {
  JpegReader &reader = readerOf(state);
  if (static_cast<uint32_t>(reader.state.input_scan_number) <= reader.scans)
    return;
  reader.tooManyScans = true;
  longjmp(reader.escape, 1);
}

static void startInput(j_decompress_ptr) {}
static void endInput(j_decompress_ptr) {}

static boolean fillInput(j_decompress_ptr state) {
  JpegReader &reader = readerOf(state);
  reader.atEnd = true;
  longjmp(reader.escape, 1);
}

static void skipInput(j_decompress_ptr state, long count) {
  jpeg_source_mgr &input = *state->src;
  if (count <= 0)
    return;
  if (static_cast<size_t>(count) > input.bytes_in_buffer)
    fillInput(state);
  input.next_input_byte += count;
  input.bytes_in_buffer -= static_cast<size_t>(count);
}

JpegReader::JpegReader(const MediaSource &source) : scans(source.limits.scans) {
  state.err = jpeg_std_error(&errors);
  errors.error_exit = leave;
  errors.emit_message = ignoreMessage;
  errors.output_message = ignoreOutput;
  state.client_data = this;
  progress.progress_monitor = countScan;
  input.init_source = startInput;
  input.fill_input_buffer = fillInput;
  input.skip_input_data = skipInput;
  input.resync_to_restart = jpeg_resync_to_restart;
  input.term_source = endInput;
  input.next_input_byte = reinterpret_cast<const JOCTET *>(source.bytes.data());
  input.bytes_in_buffer = source.bytes.size();
}

static bool readHeader(JpegReader &reader) {
  if (setjmp(reader.escape))
    return false;
  jpeg_create_decompress(&reader.state); // keeps err and client_data
  reader.state.src = &reader.input;
  reader.state.progress = &reader.progress;
  jpeg_save_markers(&reader.state, JPEG_APP0 + 1, 0xffff);
  jpeg_read_header(&reader.state, TRUE);
  return true;
}

static bool readPixels(JpegReader &reader, uint8_t *pixels, size_t rowBytes) {
  if (setjmp(reader.escape))
    return false;
  jpeg_decompress_struct &state = reader.state;
  state.out_color_space = state.num_components == 4 ? JCS_CMYK : JCS_EXT_RGBX;
  jpeg_start_decompress(&state);
  while (state.output_scanline < state.output_height) {
    JSAMPROW row = pixels + state.output_scanline * rowBytes;
    jpeg_read_scanlines(&state, &row, 1);
  }
  return true;
}

/// As Adobe's programs write it, the inks are stored upside down: 255 is none. Each colour is then what its ink leaves
/// of what black leaves.
static void inksToColours(Picture &picture) {
  const size_t count = size_t{picture.width} * picture.height;
  uint8_t *pixel = picture.pixels.get();
  for (size_t i = 0; i < count; ++i, pixel += 4) {
    for (int c = 0; c < 3; ++c)
      pixel[c] = static_cast<uint8_t>((pixel[c] * pixel[3] + 127) / 255);
    pixel[3] = 255;
  }
}

static unsigned orientationOf(const jpeg_decompress_struct &state) {
  for (const jpeg_marker_struct *marker = state.marker_list; marker; marker = marker->next) {
    const std::string_view content(reinterpret_cast<const char *>(marker->data), marker->data_length);
    if (marker->marker == JPEG_APP0 + 1 && content.starts_with("Exif"))
      return exifOrientation(content);
  }
  return 1;
}

static Status failure(const MediaSource &source, const JpegReader &reader) {
  if (reader.atEnd)
    return source.refuseEarlyEnd();
  if (reader.tooManyScans)
    return source.refuse("it has more than " + std::to_string(reader.scans) +
                         " scans, which no camera or program writes; save it anew");
  return source.refuse(std::string(reader.problem) + "; it is damaged, or of a kind that libjpeg does not know");
}

Status decodeJpeg(const MediaSource &source, Picture &picture) {
  JpegReader reader(source);
  if (!readHeader(reader))
    return failure(source, reader);
  const int components = reader.state.num_components;
  if (components != 1 && components != 3 && components != 4)
    return source.refuse("it has " + std::to_string(components) + " colour components, expected 1, 3 or 4");
  Status status = makePicture(source, reader.state.image_width, reader.state.image_height, picture);
  if (!status.ok())
    return status;
  if (!readPixels(reader, picture.pixels.get(), picture.rowBytes()))
    return failure(source, reader);
  if (components == 4)
    inksToColours(picture);
  return turnUpright(source, orientationOf(reader.state), picture);
}

} // namespace gemmac::runtime
