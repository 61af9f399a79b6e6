// SPDX-License-Identifier: Apache-2.0
// Both libraries report errors by longjmp or a callback that must not return. Here every function
// that may be jumped out of holds no object with a destructor; buffers live in the caller.
#include "lib/data/image_file.hpp"

#include <array>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <span>

#include <png.h>

// After <cstdio>: jpeglib.h needs FILE and size_t declared.
#include <jpeglib.h>

#include "lib/core/checked.hpp"
#include "lib/core/inflate.hpp"
#include "lib/core/mapped_file.hpp"

namespace pare::data {
namespace {

void check_side(int64_t width, int64_t height, const std::string& path) {
  if (width < 1 || height < 1 || width > kMaxImageSide || height > kMaxImageSide) {
    throw Error(path, "image is " + std::to_string(width) + "x" + std::to_string(height) +
                          ", expected 1 to " + std::to_string(kMaxImageSide) + " a side");
  }
}

// Interleaved rows to planes.
Image planar(int64_t channels, int64_t height, int64_t width, std::span<const uint8_t> rows) {
  Image out{channels, height, width, {}};
  out.planes.resize(rows.size());
  const auto plane = static_cast<size_t>(height * width);
  for (size_t c = 0; c < static_cast<size_t>(channels); ++c) {
    uint8_t* to = out.planes.data() + c * plane;
    const uint8_t* from = rows.data() + c;
    for (size_t p = 0; p < plane; ++p) to[p] = from[p * static_cast<size_t>(channels)];
  }
  return out;
}

// The simplified libpng API catches its own jumps and reports through png_image.message.
Image read_png(std::span<const std::byte> bytes, const std::string& path) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  const auto fail = [&] {
    const std::string why = image.message;
    png_image_free(&image);
    throw Error(path, "damaged PNG: " + escaped(why));
  };
  if (png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()) == 0) fail();
  const bool colour = (image.format & PNG_FORMAT_FLAG_COLOR) != 0;
  // Alpha is read and dropped here: libpng alone could only blend it into a background.
  image.format = colour ? PNG_FORMAT_RGBA : PNG_FORMAT_GA;
  const int64_t stored = colour ? 4 : 2;
  const int64_t channels = colour ? 3 : 1;
  const int64_t width = image.width;
  const int64_t height = image.height;
  try {
    check_side(width, height, path);
    // The least a PNG can spend is one bit a pixel, compressed by deflate.
    check_expansion((width * height + 7) / 8, static_cast<int64_t>(bytes.size()), path);
  } catch (...) {
    png_image_free(&image);
    throw;
  }
  std::vector<uint8_t> rows(static_cast<size_t>(width * height * stored));
  if (png_image_finish_read(&image, nullptr, rows.data(), 0, nullptr) == 0) fail();
  if ((image.warning_or_error & PNG_IMAGE_WARNING) != 0) fail();
  const auto pixels = static_cast<size_t>(width * height);
  for (size_t p = 0; p < pixels; ++p) {
    for (size_t c = 0; c < static_cast<size_t>(channels); ++c) {
      rows[p * static_cast<size_t>(channels) + c] = rows[p * static_cast<size_t>(stored) + c];
    }
  }
  rows.resize(pixels * static_cast<size_t>(channels));
  return planar(channels, height, width, rows);
}

struct JpegErrors {
  jpeg_error_mgr base{};
  std::jmp_buf jump{};
  std::array<char, JMSG_LENGTH_MAX> message{};
};

[[noreturn]] void jpeg_fail(j_common_ptr info) {
  auto* errors = reinterpret_cast<JpegErrors*>(info->err);
  (*info->err->format_message)(info, errors->message.data());
  std::longjmp(errors->jump, 1);
}

// A warning (level -1) is how libjpeg reports corrupt or missing data: an error to us.
void jpeg_message(j_common_ptr info, int level) {
  if (level < 0) jpeg_fail(info);
}

bool jpeg_header(jpeg_decompress_struct& jpeg, JpegErrors& errors,
                 std::span<const std::byte> bytes) {
  if (setjmp(errors.jump) != 0) return false;
  jpeg_create_decompress(&jpeg);
  jpeg_mem_src(&jpeg, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_read_header(&jpeg, TRUE);
  jpeg.out_color_space = jpeg.num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg.dct_method = JDCT_ISLOW;
  return true;
}

bool jpeg_rows(jpeg_decompress_struct& jpeg, JpegErrors& errors, uint8_t* rows, size_t stride) {
  if (setjmp(errors.jump) != 0) return false;
  jpeg_start_decompress(&jpeg);
  while (jpeg.output_scanline < jpeg.output_height) {
    JSAMPROW row = rows + jpeg.output_scanline * stride;
    jpeg_read_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_decompress(&jpeg);
  return true;
}

Image read_jpeg(std::span<const std::byte> bytes, const std::string& path) {
  jpeg_decompress_struct jpeg{};
  JpegErrors errors;
  jpeg.err = jpeg_std_error(&errors.base);
  errors.base.error_exit = jpeg_fail;
  errors.base.emit_message = jpeg_message;
  const struct Destroy {
    jpeg_decompress_struct* jpeg;
    ~Destroy() { jpeg_destroy_decompress(jpeg); }
  } destroy{&jpeg};
  const auto damaged = [&] {
    return Error(path, "damaged JPEG: " + escaped(errors.message.data()));
  };
  if (!jpeg_header(jpeg, errors, bytes)) throw damaged();
  const int64_t width = jpeg.image_width;
  const int64_t height = jpeg.image_height;
  const int64_t channels = jpeg.num_components == 1 ? 1 : 3;
  check_side(width, height, path);
  // An 8x8 block costs at least two Huffman bits in a sequential file; a progressive one may skip
  // blocks in runs of 2^15, which this allows for as far as images of kMaxImageSide go.
  if (width * height / 64 > checked_mul(static_cast<int64_t>(bytes.size()), 1 << 12, path)) {
    throw Error(path, "image is " + std::to_string(width) + "x" + std::to_string(height) +
                          ", more than " + std::to_string(bytes.size()) + " bytes can hold");
  }
  const auto stride = static_cast<size_t>(width * channels);
  std::vector<uint8_t> rows(stride * static_cast<size_t>(height));
  if (!jpeg_rows(jpeg, errors, rows.data(), stride)) throw damaged();
  return planar(channels, height, width, rows);
}

bool starts_with(std::span<const std::byte> bytes, std::span<const unsigned char> signature) {
  return bytes.size() >= signature.size() &&
         std::memcmp(bytes.data(), signature.data(), signature.size()) == 0;
}

}  // namespace

Image read_image(const std::string& path) {
  static constexpr unsigned char kPng[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  static constexpr unsigned char kJpeg[] = {0xFF, 0xD8, 0xFF};
  const auto file = MappedFile::open(path);
  const auto bytes = file->bytes();
  if (starts_with(bytes, kPng)) return read_png(bytes, path);
  if (starts_with(bytes, kJpeg)) return read_jpeg(bytes, path);
  throw Error(path, "is not a PNG or JPEG image");
}

}  // namespace pare::data
