// SPDX-License-Identifier: Apache-2.0
// synthetic:glyphs, the data set inside the program: ten stroke glyphs, 28x28 grey, drawn under
// random affine maps with varying pen width, contrast, clutter and noise. Every item is a function
// of (seed, part, index) in +, -, *, / and square root alone, which IEEE 754 rounds exactly: the
// same bytes on every machine and for any number of threads.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "lib/core/error.hpp"
#include "lib/core/parallel.hpp"
#include "lib/core/rng.hpp"
#include "lib/data/readers.hpp"

namespace pare::data {
namespace {

constexpr int kSide = 28;
constexpr int64_t kMaxItems = 10'000'000;

struct Point {
  float x = 0, y = 0;
};
using Polyline = std::vector<Point>;
struct Glyph {
  const char* name;
  std::vector<Polyline> strokes;  // inside [-1, 1]^2, y downwards
};

// A circular arc from `start` around `centre`, in steps of 15 degrees (clockwise on the screen).
Polyline arc(Point centre, Point start, int steps) {
  constexpr float kCos15 = 0.9659258262890683F;
  constexpr float kSin15 = 0.2588190451025207F;
  Polyline out{start};
  Point r{start.x - centre.x, start.y - centre.y};
  for (int i = 0; i < steps; ++i) {
    r = {r.x * kCos15 - r.y * kSin15, r.x * kSin15 + r.y * kCos15};
    out.push_back({centre.x + r.x, centre.y + r.y});
  }
  return out;
}

// Chosen so that several differ from a neighbour by one stroke (ring and keyhole, arch and hook):
// what separates them is shape, not where the ink lies.
std::vector<Glyph> make_glyphs() {
  return {
      {"ring", {arc({0, 0}, {0, -0.9F}, 24)}},
      {"plus", {{{-0.9F, 0}, {0.9F, 0}}, {{0, -0.9F}, {0, 0.9F}}}},
      {"triangle", {{{0, -0.9F}, {0.9F, 0.75F}, {-0.9F, 0.75F}, {0, -0.9F}}}},
      {"square", {{{-0.8F, -0.8F}, {0.8F, -0.8F}, {0.8F, 0.8F}, {-0.8F, 0.8F}, {-0.8F, -0.8F}}}},
      {"arrow", {{{0, 0.9F}, {0, -0.9F}}, {{-0.6F, -0.25F}, {0, -0.9F}, {0.6F, -0.25F}}}},
      {"zigzag", {{{-0.8F, -0.8F}, {0.8F, -0.8F}, {-0.8F, 0.8F}, {0.8F, 0.8F}}}},
      {"fork", {{{0, 0.9F}, {0, 0}}, arc({0, -0.65F}, {0.65F, -0.65F}, 12)}},
      {"keyhole", {arc({0, -0.4F}, {0, 0.1F}, 24), {{0, 0.1F}, {0, 0.95F}}}},
      {"arch",
       {{{-0.7F, 0.9F}, {-0.7F, -0.2F}},
        arc({0, -0.2F}, {-0.7F, -0.2F}, 12),
        {{0.7F, -0.2F}, {0.7F, 0.9F}}}},
      {"hook",
       {{{0.6F, 0.9F}, {0.6F, -0.2F}},
        arc({0, -0.2F}, {-0.6F, -0.2F}, 12),
        {{-0.6F, -0.2F}, {0.6F, 0.35F}}}},
  };
}

// Approximately normal, variance 1: four 16-bit uniforms of one draw (sum has variance 1/3).
float noise(Rng& rng) {
  const uint64_t bits = rng.next();
  uint32_t sum = 0;
  for (int part = 0; part < 4; ++part) sum += static_cast<uint32_t>(bits >> (16 * part)) & 0xFFFF;
  constexpr float kSqrt3 = 1.7320508F;
  return (static_cast<float>(sum) * 0x1p-16F - 2.0F) * kSqrt3;
}

// x -> matrix x + offset, from the unit square to pixels.
struct Affine {
  float xx, xy, yx, yy, dx, dy;
  Point operator()(Point p) const { return {xx * p.x + xy * p.y + dx, yx * p.x + yy * p.y + dy}; }
};

Affine draw_affine(Rng& rng) {
  // Half-angle tangent: a rotation without trigonometric functions; 0.32 is 35 degrees.
  const float t = rng.uniform(-0.32F, 0.32F);
  const float cosine = (1.0F - t * t) / (1.0F + t * t);
  const float sine = 2.0F * t / (1.0F + t * t);
  const float width = rng.uniform(5.5F, 10.0F);
  const float height = width * rng.uniform(0.8F, 1.25F);
  const float shear = rng.uniform(-0.3F, 0.3F);
  constexpr float kCentre = (kSide - 1) / 2.0F;
  constexpr float kReach = 3.5F;
  return {cosine * width,
          (cosine * shear - sine) * height,
          sine * width,
          (sine * shear + cosine) * height,
          kCentre + rng.uniform(-kReach, kReach),
          kCentre + rng.uniform(-kReach, kReach)};
}

using Plane = std::array<float, kSide * kSide>;

// Lowers `distance2` (squared distance to the nearest stroke) to that of the segment a-b; pixels
// further than `reach` from its bounding box keep what they have.
void draw_segment(Plane& distance2, Point a, Point b, float reach) {
  const auto low = [&](float u, float v) {
    return std::clamp(static_cast<int>(std::min(u, v) - reach), 0, kSide);
  };
  const auto high = [&](float u, float v) {
    return std::clamp(static_cast<int>(std::max(u, v) + reach) + 1, 0, kSide);
  };
  const float ux = b.x - a.x;
  const float uy = b.y - a.y;
  const float length2 = std::max(ux * ux + uy * uy, 1e-6F);
  const int x_end = high(a.x, b.x);
  const int y_end = high(a.y, b.y);
  for (int y = low(a.y, b.y); y < y_end; ++y) {
    for (int x = low(a.x, b.x); x < x_end; ++x) {
      const float px = static_cast<float>(x) - a.x;
      const float py = static_cast<float>(y) - a.y;
      const float along = std::clamp((px * ux + py * uy) / length2, 0.0F, 1.0F);
      const float ex = px - along * ux;
      const float ey = py - along * uy;
      float& d = distance2[static_cast<size_t>(y * kSide + x)];
      d = std::min(d, ex * ex + ey * ey);
    }
  }
}

void draw_glyph(const Glyph& glyph, Rng& rng, uint8_t* out) {
  const Affine affine = draw_affine(rng);
  const float radius = rng.uniform(0.5F, 1.4F);
  const float reach = radius + 1.0F;
  Plane distance2;
  distance2.fill(1e6F);
  constexpr float kWobble = 0.09F;
  for (const Polyline& stroke : glyph.strokes) {
    // The whole stroke moves a little against the others: no two drawings share their joints.
    const Point wobble{rng.uniform(-kWobble, kWobble), rng.uniform(-kWobble, kWobble)};
    for (size_t i = 0; i + 1 < stroke.size(); ++i) {
      draw_segment(distance2, affine({stroke[i].x + wobble.x, stroke[i].y + wobble.y}),
                   affine({stroke[i + 1].x + wobble.x, stroke[i + 1].y + wobble.y}), reach);
    }
  }
  for (int clutter = 0; clutter < 2; ++clutter) {
    const Point at{rng.uniform(0.0F, kSide - 1.0F), rng.uniform(0.0F, kSide - 1.0F)};
    const Point to{at.x + rng.uniform(-4.0F, 4.0F), at.y + rng.uniform(-4.0F, 4.0F)};
    draw_segment(distance2, at, to, reach);
  }
  const float paper = rng.uniform(0.0F, 50.0F);
  const float ink = rng.uniform(120.0F, 255.0F) - paper;
  const float grain = rng.uniform(5.0F, 28.0F);
  for (size_t p = 0; p < distance2.size(); ++p) {
    // One pixel of ramp at the edge of the pen is the anti-aliasing.
    const float cover = std::clamp(radius + 0.5F - std::sqrt(distance2[p]), 0.0F, 1.0F);
    const float value = paper + ink * cover + grain * noise(rng);
    out[p] = static_cast<uint8_t>(std::clamp(value + 0.5F, 0.0F, 255.0F));
  }
}

Array generate(const std::vector<Glyph>& glyphs, int64_t items, uint64_t seed,
               const std::string& part_name, int threads) {
  Array part;
  part.source = "synthetic:glyphs " + part_name;
  part.bytes.resize(static_cast<size_t>(items) * kSide * kSide);
  part.labels.resize(static_cast<size_t>(items));
  parallel_for(items, threads, [&](int64_t i) {
    Rng rng(seed, stream_of("glyphs/" + part_name) + static_cast<uint64_t>(i));
    // Classes take turns: balanced to within one item for any count.
    const auto kind = static_cast<size_t>(i) % glyphs.size();
    part.labels[static_cast<size_t>(i)] = static_cast<int64_t>(kind);
    draw_glyph(glyphs[kind], rng, part.bytes.data() + static_cast<size_t>(i) * kSide * kSide);
  });
  return part;
}

struct Request {
  int64_t train = 12'000;
  int64_t test = 2'000;
  int64_t seed = 0;
};

Request parse_request(const std::string& spec) {
  constexpr std::string_view kName = "synthetic:glyphs";
  if (spec.rfind(kName, 0) != 0 || (spec.size() > kName.size() && spec[kName.size()] != '?')) {
    throw UsageError(spec, "unknown synthetic data set, expected synthetic:glyphs");
  }
  Request out;
  std::string_view rest = std::string_view(spec).substr(std::min(kName.size() + 1, spec.size()));
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
    const size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view key = pair.substr(0, equals);
    const std::string_view text = pair.substr(std::min(equals + 1, pair.size()));
    int64_t value = -1;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    int64_t* slot = key == "train"  ? &out.train
                    : key == "test" ? &out.test
                    : key == "seed" ? &out.seed
                                    : nullptr;
    if (slot == nullptr) {
      throw UsageError(spec,
                       "unknown parameter '" + escaped(key) + "', expected train, test or seed");
    }
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || value < 0 ||
        (slot != &out.seed && value > kMaxItems)) {
      throw UsageError(spec, escaped(key) + " must be a whole number from 0 to " +
                                 (slot == &out.seed ? "2^63 - 1" : std::to_string(kMaxItems)));
    }
    *slot = value;
  }
  if (out.train == 0 && out.test == 0) throw UsageError(spec, "train and test are both 0");
  return out;
}

}  // namespace

RawData generate_glyphs(const std::string& spec, const OpenOptions& options) {
  const Request request = parse_request(spec);
  const std::vector<Glyph> glyphs = make_glyphs();
  RawData raw;
  raw.info.source = spec;
  raw.info.kind = "synthetic";
  raw.info.item = {1, kSide, kSide};
  for (const Glyph& glyph : glyphs) raw.info.classes.emplace_back(glyph.name);
  const auto seed = static_cast<uint64_t>(request.seed);
  if (request.train > 0) {
    raw.train = generate(glyphs, request.train, seed, "train", options.threads);
  }
  if (request.test > 0) raw.test = generate(glyphs, request.test, seed, "test", options.threads);
  return raw;
}

}  // namespace pare::data
