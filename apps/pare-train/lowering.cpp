// SPDX-License-Identifier: Apache-2.0
#include "apps/pare-train/lowering.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <new>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "apps/pare/lowering.hpp"
#include "apps/pare/sibling.hpp"
#include "formats/pare/pare_format.hpp"
#include "formats/torchscript/lower.hpp"
#include "lib/core/error.hpp"

namespace pare::cli {

namespace {

// What a file may cost. Address space: libtorch itself maps a few gigabytes, and weights are held a
// few times over.
constexpr rlim_t kCpuSeconds = 300;
constexpr int64_t kAddressSpace = int64_t{8} << 30;
constexpr int64_t kCopiesOfFile = 8;

void limit(__rlimit_resource which, rlim_t value) {
  rlimit now{};
  ::getrlimit(which, &now);
  now.rlim_max = std::min(now.rlim_max, value);
  now.rlim_cur = now.rlim_max;
  ::setrlimit(which, &now);
}

void confine(const std::string& path) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_CPU, kCpuSeconds);
  std::error_code ignored;
  const auto size = static_cast<int64_t>(std::filesystem::file_size(path, ignored));
  if (!ignored) limit(RLIMIT_AS, static_cast<rlim_t>(kAddressSpace + kCopiesOfFile * size));
}

Json lowered(const LoweringRequest& request) {
  Json notes = Json::array();
  formats::ReadOptions options = request.options;
  options.note = [&](const std::string& text) { notes.push_back(text); };
  formats::write_pare(formats::torchscript::lower(request.path, options), request.output);
  return {{"notes", notes}};
}

Json answer(char** argv) {
  try {
    check_handshake(std::string_view(argv[1]).substr(kHandshakeFlag.size()));
    const LoweringRequest request = lowering_request(parse_json(argv[3], kLoweringFlag));
    confine(request.path);
    return lowered(request);
  } catch (const Error& error) {
    return {{"subject", error.subject()},
            {"fact", error.fact()},
            {"code", static_cast<int>(error.code())}};
  } catch (const std::bad_alloc&) {
    return {{"subject", "memory"}, {"fact", "reading this file takes more than is allowed"}};
  }
}

}  // namespace

bool asks_for_lowering(int argc, char** argv) {
  return argc == 4 && std::string_view(argv[1]).starts_with(kHandshakeFlag) &&
         std::string_view(argv[2]) == kLoweringFlag;
}

int lower_for_pare(char** argv) {
  const std::string text = to_text(answer(argv)) + "\n";
  std::fwrite(text.data(), 1, text.size(), stdout);
  return std::fflush(stdout) == 0 ? 0 : 1;
}

}  // namespace pare::cli
