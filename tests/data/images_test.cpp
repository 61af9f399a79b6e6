// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include <png.h>

// After <cstdio>: jpeglib.h needs FILE and size_t declared.
#include <jpeglib.h>

#include "lib/data/image_file.hpp"
#include "tests/data/files.hpp"

using namespace pare::data;
using namespace pare::data::testing;

namespace {

std::string png(uint32_t width, uint32_t height, uint32_t format, uint8_t seed) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = width;
  image.height = height;
  image.format = format;
  std::vector<uint8_t> pixels(PNG_IMAGE_SIZE(image));
  for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<uint8_t>(seed + i * 7);
  png_alloc_size_t size = 0;
  png_image_write_get_memory_size(image, size, 0, pixels.data(), 0, nullptr);
  std::string out(size, '\0');
  png_image_write_to_memory(&image, out.data(), &size, 0, pixels.data(), 0, nullptr);
  out.resize(size);
  return out;
}

std::string jpeg(uint32_t width, uint32_t height, uint8_t value) {
  jpeg_compress_struct state{};
  jpeg_error_mgr errors{};
  state.err = jpeg_std_error(&errors);
  jpeg_create_compress(&state);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&state, &bytes, &size);
  state.image_width = width;
  state.image_height = height;
  state.input_components = 3;
  state.in_color_space = JCS_RGB;
  jpeg_set_defaults(&state);
  jpeg_start_compress(&state, TRUE);
  std::vector<uint8_t> row(width * 3, value);
  while (state.next_scanline < height) {
    JSAMPROW rows = row.data();
    jpeg_write_scanlines(&state, &rows, 1);
  }
  jpeg_finish_compress(&state);
  std::string out(reinterpret_cast<const char*>(bytes), size);
  jpeg_destroy_compress(&state);
  std::free(bytes);
  return out;
}

void write_pets(const Folder& folder) {
  for (const char* split : {"train", "test"}) {
    for (uint8_t i = 0; i < 3; ++i) {
      const std::string name = "/" + std::to_string(i) + ".png";
      folder.write(split + std::string("/cat") + name, png(4, 3, PNG_FORMAT_RGB, i));
      folder.write(split + std::string("/dog") + name,
                   png(4, 3, PNG_FORMAT_RGB, static_cast<uint8_t>(100 + i)));
    }
  }
}

}  // namespace

TEST_CASE("an image folder has its classes by folder name and its pixels by plane") {
  const Folder folder;
  write_pets(folder);
  folder.write("train/cat/.hidden", "not an image");
  const Splits splits = open(folder.path(), {.validation_fraction = 0, .threads = 2});
  CHECK(splits.train->info().kind == "images");
  CHECK(splits.train->info().classes == std::vector<std::string>{"cat", "dog"});
  CHECK(splits.train->info().item == pare::ir::Dims{3, 3, 4});
  CHECK(splits.train->size() == 6);
  CHECK(splits.test->label(5) == 1);
  const auto planes = splits.train->bytes(4);  // dog/1.png, seed 101
  for (size_t c = 0; c < 3; ++c) {
    for (size_t p = 0; p < 12; ++p) CHECK(planes[c * 12 + p] == (101 + (p * 3 + c) * 7) % 256);
  }
  const Splits alone = open(folder.path("test"), {});
  CHECK_FALSE(alone.train);
  CHECK(alone.test->fingerprint() == splits.test->fingerprint());
  CHECK(open(folder.path("test/"), {}).test->size() == 6);
}

TEST_CASE("grey, alpha and 16-bit PNG become bytes, JPEG comes close") {
  const Folder folder;
  CHECK(read_image(folder.write("g.png", png(5, 4, PNG_FORMAT_GRAY, 9))).channels == 1);
  const Image alpha = read_image(folder.write("a.png", png(5, 4, PNG_FORMAT_RGBA, 9)));
  CHECK(alpha.channels == 3);
  CHECK(alpha.planes[1] == 9 + 4 * 7);  // second pixel's red: alpha is dropped, not blended
  CHECK(read_image(folder.write("l.png", png(5, 4, PNG_FORMAT_LINEAR_Y, 9))).channels == 1);
  const Image photo = read_image(folder.write("p.jpg", jpeg(8, 16, 77)));
  CHECK(photo.width == 8);
  CHECK(photo.height == 16);
  // A constant image has a DC term alone: quantization moves it by at most half a step of 16 / 8,
  // colour conversion by one more.
  for (const uint8_t v : photo.planes) CHECK(std::abs(v - 77) <= 2);
}

TEST_CASE("image folders that cannot be a data set name the file") {
  const Folder folder;
  write_pets(folder);
  SUBCASE("a file that is not an image") {
    folder.write("train/dog/notes.txt", "hello");
    CHECK(contains(refusal(folder.path()), "train/dog/notes.txt: is not a PNG or JPEG image"));
  }
  SUBCASE("another size") {
    folder.write("test/dog/1.png", png(4, 4, PNG_FORMAT_RGB, 0));
    CHECK(contains(refusal(folder.path()), "test/dog/1.png: is 4x4 colour"));
  }
  SUBCASE("grey among colour") {
    folder.write("test/dog/1.png", png(4, 3, PNG_FORMAT_GRAY, 0));
    CHECK(
        contains(refusal(folder.path()), "is 4x3 grey, the first image of the set is 4x3 colour"));
  }
  SUBCASE("a class that train lacks") {
    folder.write("test/fox/0.png", png(4, 3, PNG_FORMAT_RGB, 0));
    CHECK(
        contains(refusal(folder.path()), "test/fox: is a class that the train part does not have"));
  }
  SUBCASE("a class folder without images") {
    std::filesystem::create_directories(folder.path("train/fox"));
    CHECK(contains(refusal(folder.path()), "train/fox: is a class folder without images"));
  }
  SUBCASE("a folder among images") {
    std::filesystem::create_directories(folder.path("train/dog/more"));
    CHECK(contains(refusal(folder.path()), "train/dog/more: is a folder, expected an image"));
  }
  SUBCASE("a split without classes") {
    std::filesystem::remove_all(folder.path("train"));
    std::filesystem::create_directories(folder.path("train"));
    CHECK(contains(refusal(folder.path()), "train: has no class folders"));
  }
  SUBCASE("an empty file") {
    folder.write("train/dog/0.png", "");
    CHECK(contains(refusal(folder.path()), "train/dog/0.png: is empty"));
  }
}

TEST_CASE("a PNG that declares more pixels than its bytes can hold is refused") {
  const Folder folder;
  std::string bomb = png(4, 3, PNG_FORMAT_RGB, 0);
  for (const size_t at : {16, 20}) bomb.replace(at, 4, std::string("\0\0\x40\0", 4));
  const auto crc = crc32(0, reinterpret_cast<const Bytef*>(bomb.data()) + 12, 17);
  for (int i = 0; i < 4; ++i)
    bomb[29 + static_cast<size_t>(i)] = static_cast<char>(crc >> (24 - 8 * i));
  CHECK_THROWS_AS(read_image(folder.write("bomb.png", bomb)), pare::Error);
  try {
    read_image(folder.path("bomb.png"));
  } catch (const pare::Error& error) {
    CHECK(contains(error.what(), "more than"));
  }
}

TEST_CASE("damaged images are refused or read, never a crash") {
  const Folder folder;
  for (const std::string& good : {png(4, 3, PNG_FORMAT_RGB, 1), jpeg(8, 8, 200)}) {
    const int64_t refused = replay_damage(good, good.size(), [&](const std::string& damaged) {
      read_image(folder.write("damaged", damaged));
    });
    // Every truncation but that of JPEG's end marker is noticed.
    CHECK(refused >= static_cast<int64_t>(good.size()) - 2);
  }
}
