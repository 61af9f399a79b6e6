// SPDX-License-Identifier: Apache-2.0
// Writes a safetensors file of F16 weights with the names and shapes of a Llama-like decoder, large
// enough to show that nothing is held in memory. Values are sums of four uniform draws (nearly
// normal, standard deviation about 0.02) with one in 4096 eight times as large, as trained weights
// have outliers; the same arguments give the same bytes. Layers are added while the file stays
// within the size asked for; the last tensor is the output projection.
//
// usage: llama_file GIGABYTES OUT.safetensors
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

struct Shape {
  std::string name;
  int64_t rows = 0;
  int64_t columns = 0;  // 0: one dimension
  int64_t count() const { return rows * (columns == 0 ? 1 : columns); }
};

struct Sizes {
  int64_t vocabulary, width, key_width, hidden;
};

// Below 2 GB a layer of the larger sizes would be most of the file.
Sizes sizes_for(double gigabytes) {
  if (gigabytes < 2) return {32000, 2048, 256, 5632};
  return {32000, 4096, 4096, 11008};
}

std::vector<Shape> layer(int number, const Sizes& s) {
  const std::string at = "model.layers." + std::to_string(number) + ".";
  return {{at + "input_layernorm.weight", s.width},
          {at + "mlp.down_proj.weight", s.width, s.hidden},
          {at + "mlp.gate_proj.weight", s.hidden, s.width},
          {at + "mlp.up_proj.weight", s.hidden, s.width},
          {at + "post_attention_layernorm.weight", s.width},
          {at + "self_attn.k_proj.weight", s.key_width, s.width},
          {at + "self_attn.o_proj.weight", s.width, s.width},
          {at + "self_attn.q_proj.weight", s.width, s.width},
          {at + "self_attn.v_proj.weight", s.key_width, s.width}};
}

std::vector<Shape> shapes_for(double gigabytes) {
  const Sizes sizes = sizes_for(gigabytes);
  const auto room = static_cast<int64_t>(gigabytes * 1e9 / 2);
  std::vector<Shape> out{{"model.embed_tokens.weight", sizes.vocabulary, sizes.width}};
  int64_t used = 2 * out[0].count() + sizes.width, in_layer = 0;
  for (const Shape& shape : layer(0, sizes)) in_layer += shape.count();
  for (int i = 0; i == 0 || used + in_layer <= room; ++i, used += in_layer) {
    for (Shape& shape : layer(i, sizes)) out.push_back(std::move(shape));
  }
  out.push_back({"model.norm.weight", sizes.width});
  out.push_back({"lm_head.weight", sizes.vocabulary, sizes.width});
  return out;
}

std::string header_of(const std::vector<Shape>& shapes) {
  std::string text = "{";
  int64_t at = 0;
  for (const Shape& shape : shapes) {
    const int64_t end = at + 2 * shape.count();
    const std::string dims =
        std::to_string(shape.rows) +
        (shape.columns == 0 ? std::string() : "," + std::to_string(shape.columns));
    text += (at == 0 ? "\"" : ",\"") + shape.name + "\":{\"dtype\":\"F16\",\"shape\":[" + dims +
            "],\"data_offsets\":[" + std::to_string(at) + "," + std::to_string(end) + "]}";
    at = end;
  }
  text += "}";
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

// F16 bits of a normal number, rounded toward zero; what is smaller becomes 0.
uint16_t half(double value) {
  const uint16_t sign = value < 0 ? 0x8000 : 0;
  double rest = value < 0 ? -value : value;
  int exponent = 15;
  for (; rest >= 2; rest /= 2) ++exponent;
  for (; rest < 1 && exponent > 0; rest *= 2) --exponent;
  if (exponent <= 0) return sign;
  return static_cast<uint16_t>(sign | exponent << 10 | static_cast<int>((rest - 1) * 1024));
}

// 64 random bits, a step of splitmix64.
uint64_t draw(uint64_t& state) {
  uint64_t z = state += 0x9E3779B97F4A7C15U;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9U;
  z = (z ^ z >> 27) * 0x94D049BB133111EBU;
  return z ^ z >> 31;
}

// Sums of four 14-bit draws have mean 2 * 16384 and standard deviation 16384 / sqrt(3).
constexpr int kSums = 4 << 14;
std::array<uint16_t, kSums> table_of(double deviation) {
  std::array<uint16_t, kSums> table{};
  for (int sum = 0; sum < kSums; ++sum) {
    table[static_cast<size_t>(sum)] = half((sum - 2 * 16384) / (16384 / 1.7320508) * deviation);
  }
  return table;
}

bool write_values(std::FILE* file, const Shape& shape, uint64_t seed) {
  static const auto kCommon = table_of(0.02), kOutlier = table_of(0.16), kNorm = table_of(0.3);
  uint64_t state = seed;
  std::vector<uint16_t> row(1 << 16);
  for (int64_t left = shape.count(); left > 0; left -= static_cast<int64_t>(row.size())) {
    if (left < static_cast<int64_t>(row.size())) row.resize(static_cast<size_t>(left));
    for (uint16_t& value : row) {
      const uint64_t bits = draw(state);
      const auto sum = static_cast<size_t>((bits & 0x3FFF) + (bits >> 14 & 0x3FFF) +
                                           (bits >> 28 & 0x3FFF) + (bits >> 42 & 0x3FFF));
      const auto& table = shape.columns == 0 ? kNorm : bits >> 52 == 0 ? kOutlier : kCommon;
      value = table[sum];
    }
    if (std::fwrite(row.data(), sizeof row[0], row.size(), file) != row.size()) return false;
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  const double gigabytes = argc == 3 ? std::atof(argv[1]) : 0;
  if (gigabytes <= 0) {
    std::fprintf(stderr, "usage: llama_file GIGABYTES OUT.safetensors\n");
    return 2;
  }
  const std::vector<Shape> shapes = shapes_for(gigabytes);
  const std::string header = header_of(shapes);
  std::FILE* file = std::fopen(argv[2], "wb");
  const uint64_t size = header.size();
  bool fine = file && std::fwrite(&size, sizeof size, 1, file) == 1 &&
              std::fwrite(header.data(), 1, header.size(), file) == header.size();
  for (size_t i = 0; fine && i < shapes.size(); ++i) fine = write_values(file, shapes[i], i << 40);
  fine = file && std::fclose(file) == 0 && fine;
  if (!fine) std::perror(argv[2]);
  return fine ? 0 : 1;
}
