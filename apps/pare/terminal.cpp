// SPDX-License-Identifier: Apache-2.0
#include "apps/pare/terminal.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <mutex>
#include <string>

#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/core/error.hpp"

namespace pare::cli {

namespace {

using Clock = std::chrono::steady_clock;

constexpr double kRedrawSeconds = 0.1;
constexpr double kPlainLineSeconds = 10;
constexpr int kBarCells = 20;

std::atomic<bool> g_line_open{false};

int terminal_columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

// "epoch 3/14" is the third of 14 equal parts; anything else is all there is.
struct Part {
  double index = 0;
  double count = 1;
};
Part part_of(std::string_view stage) {
  long index = 0;
  long count = 0;
  const size_t space = stage.rfind(' ');
  const std::string tail(space == std::string_view::npos ? stage : stage.substr(space + 1));
  if (std::sscanf(tail.c_str(), "%ld/%ld", &index, &count) != 2 || count < 1 || index < 1 ||
      index > count) {
    return {};
  }
  return {static_cast<double>(index - 1), static_cast<double>(count)};
}

std::string without_part(std::string_view stage) {
  const size_t space = stage.rfind(' ');
  const bool numbered = space != std::string_view::npos && part_of(stage).count > 1;
  return std::string(numbered ? stage.substr(0, space) : stage);
}

class TerminalProgress final : public Progress {
 public:
  explicit TerminalProgress(const TerminalOptions& options) : options_(options) {}
  ~TerminalProgress() override { end_progress_line(); }

  void update(std::string_view stage, int64_t done, int64_t total, std::string_view note) override {
    if (options_.quiet || total <= 0) return;
    const std::lock_guard lock(mutex_);
    const auto now = Clock::now();
    const Part part = part_of(stage);
    const double inner =
        std::clamp(static_cast<double>(done) / static_cast<double>(total), 0.0, 1.0);
    const double fraction = (part.index + inner) / part.count;
    start_clock(stage, fraction, now);
    if (options_.bar) {
      if (fraction < 1 && seconds(drawn_, now) < kRedrawSeconds) return;
      draw_bar(stage, fraction, note, now);
    } else {
      if (!options_.verbose && seconds(drawn_, now) < kPlainLineSeconds) return;
      print_line(stage, fraction, note, now);
    }
    drawn_ = now;
  }

  void log(std::string_view line) override {
    if (!options_.quiet) print("pare: " + escaped(line, 1000));
  }

  void warn(std::string_view line) override {
    if (options_.quiet) return;
    const char* label = options_.color ? "\033[33mwarning:\033[0m " : "warning: ";
    print("pare: " + std::string(label) + escaped(line, 1000));
  }

 private:
  static double seconds(Clock::time_point from, Clock::time_point to) {
    return std::chrono::duration<double>(to - from).count();
  }

  // The clock of the estimate starts with a kind of work, not with each of its numbered parts.
  void start_clock(std::string_view stage, double fraction, Clock::time_point now) {
    std::string kind = without_part(stage);
    if (kind == kind_) return;
    kind_ = std::move(kind);
    started_ = now;
    start_fraction_ = fraction;
    drawn_ = options_.bar ? Clock::time_point{} : now;
  }

  std::string remaining(double fraction, Clock::time_point now) const {
    const double elapsed = seconds(started_, now);
    const double gained = fraction - start_fraction_;
    if (fraction >= 1 || gained <= 0 || elapsed < 1) return "";
    return duration_text(elapsed * (1 - fraction) / gained) + " left";
  }

  void draw_bar(std::string_view stage, double fraction, std::string_view note,
                Clock::time_point now) {
    const int filled = static_cast<int>(std::lround(fraction * kBarCells));
    std::string bar = "[";
    for (int i = 0; i < kBarCells; ++i) bar += i < filled ? '=' : ' ';
    std::string line = escaped(stage, 60) + " " + bar + "] " +
                       std::to_string(static_cast<int>(fraction * 100)) + " %";
    if (const std::string left = remaining(fraction, now); !left.empty()) line += "  " + left;
    if (!note.empty()) line += "  " + escaped(note, 200);
    const auto columns = static_cast<size_t>(terminal_columns());
    if (line.size() >= columns) line.resize(columns > 1 ? columns - 1 : 0);
    std::fprintf(stderr, "\r%s\033[K", line.c_str());
    std::fflush(stderr);
    g_line_open = true;
  }

  void print_line(std::string_view stage, double fraction, std::string_view note,
                  Clock::time_point now) {
    std::string line = "pare: " + escaped(stage, 60) + ": " +
                       std::to_string(static_cast<int>(fraction * 100)) + " %";
    if (!note.empty()) line += ", " + escaped(note, 200);
    if (const std::string left = remaining(fraction, now); !left.empty()) line += ", " + left;
    std::fprintf(stderr, "%s\n", line.c_str());
  }

  void print(const std::string& line) {
    const std::lock_guard lock(mutex_);
    if (g_line_open.exchange(false)) std::fputs("\r\033[K", stderr);
    std::fprintf(stderr, "%s\n", line.c_str());
  }

  TerminalOptions options_;
  std::mutex mutex_;
  std::string kind_;
  Clock::time_point started_{};
  Clock::time_point drawn_{};
  double start_fraction_ = 0;
};

}  // namespace

std::unique_ptr<Progress> make_progress(const TerminalOptions& options) {
  return std::make_unique<TerminalProgress>(options);
}

void end_progress_line() noexcept {
  if (!g_line_open.exchange(false)) return;
  const char newline = '\n';
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, &newline, 1);
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<int64_t>(std::ceil(std::max(0.0, seconds)));
  if (whole < 60) return std::to_string(whole) + " s";
  if (whole < 3600) return std::to_string(whole / 60) + " min " + std::to_string(whole % 60) + " s";
  return std::to_string(whole / 3600) + " h " + std::to_string(whole % 3600 / 60) + " min";
}

}  // namespace pare::cli
