// SPDX-License-Identifier: Apache-2.0
#include "apps/pare/lowering.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/pare/sibling.hpp"
#include "apps/pare/signals.hpp"
#include "formats/pare/pare_format.hpp"
#include "lib/core/error.hpp"
#include "lib/core/hash.hpp"

namespace pare::cli {

namespace fs = std::filesystem;

namespace {

constexpr size_t kLongestAnswer = size_t{1} << 20;

Json to_json(const formats::InputShape& shape) {
  Json sizes = Json::array();
  for (const ir::Dim& dim : shape.shape) {
    sizes.push_back(dim.known() ? Json(dim.size) : Json(dim.symbol));
  }
  return {{"dtype", ir::name_of(shape.dtype)}, {"sizes", sizes}};
}

formats::InputShape input_shape(const Json& json) {
  formats::InputShape out;
  out.dtype = ir::dtype_from_name(json.at("dtype").get<std::string>()).value_or(ir::DType::kF32);
  for (const Json& size : json.at("sizes")) {
    if (size.is_string()) {
      out.shape.emplace_back(size.get<std::string>());
    } else {
      out.shape.emplace_back(size.get<int64_t>());
    }
  }
  return out;
}

// The flags as they may be typed again.
Json stated(const formats::ReadOptions& options) {
  Json out{{"from", "torchscript"}};
  for (const auto& [name, shape] : options.input_shapes) {
    std::string text = name.empty() ? "" : name + "=";
    if (shape.dtype != ir::DType::kF32) text += std::string(ir::name_of(shape.dtype)) + ":";
    for (size_t i = 0; i < shape.shape.size(); ++i) {
      const ir::Dim& dim = shape.shape[i];
      text += (i == 0 ? "" : ",") + (dim.known() ? std::to_string(dim.size) : dim.symbol);
    }
    out["input_shape"].push_back(text);
  }
  for (const auto& [name, values] : options.bind) {
    std::string text = name;
    for (size_t i = 0; i < values.size(); ++i) {
      text += (i == 0 ? "=" : ",") + to_text(Json(values[i]));
    }
    out["bind"].push_back(text);
  }
  return out;
}

struct Child {
  pid_t id = -1;
  int said = -1;  // its stdout
};

Child start(const std::string& program, const std::string& request) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw Error("pipe", "no descriptors left");
  std::string name = program;
  std::string greeting = std::string(kHandshakeFlag) + handshake();
  std::string flag(kLoweringFlag);
  std::string text = request;
  const std::array<char*, 5> argv{name.data(), greeting.data(), flag.data(), text.data(), nullptr};
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    // libtorch has warnings of its own; what matters is in the answer.
    const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere >= 0) ::dup2(nowhere, STDERR_FILENO);
    ::execv(program.c_str(), argv.data());
    ::_exit(static_cast<int>(ExitCode::kBug));
  }
  ::close(ends[1]);
  if (child < 0) {
    ::close(ends[0]);
    throw Error(program, std::string("cannot be run: ") + std::strerror(errno));
  }
  return {child, ends[0]};
}

std::string all_it_says(const Child& child) {
  std::string out;
  std::array<char, 4096> chunk{};
  while (true) {
    const ssize_t n = ::read(child.said, chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    if (out.size() < kLongestAnswer) out.append(chunk.data(), static_cast<size_t>(n));
  }
  ::close(child.said);
  return out;
}

// The answer of a child that ended by itself; throws Error(path) for one that did not.
Json answer_of(const Child& child, const std::string& path) {
  const SignalForwarding forwarding(child.id);
  const std::string said = all_it_says(child);
  int status = 0;
  while (::waitpid(child.id, &status, 0) < 0) {
    if (errno != EINTR) throw Error(path, std::string("lost pare-train: ") + std::strerror(errno));
  }
  if (WIFSIGNALED(status)) {
    const bool too_long = WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL;
    throw Error(path, too_long ? "reading it took more time or memory than is allowed"
                               : "libtorch crashed on it (signal " +
                                     std::to_string(WTERMSIG(status)) + ")");
  }
  if (WEXITSTATUS(status) != 0) throw Error(path, "libtorch gave up on it");
  return parse_json(said, path);
}

}  // namespace

Json to_json(const LoweringRequest& request) {
  Json shapes = Json::object();
  for (const auto& [name, shape] : request.options.input_shapes) shapes[name] = to_json(shape);
  return {{"path", request.path},
          {"output", request.output},
          {"bind", request.options.bind},
          {"input_shapes", shapes}};
}

LoweringRequest lowering_request(const Json& json) {
  LoweringRequest out{.path = json.at("path").get<std::string>(),
                      .output = json.at("output").get<std::string>(),
                      .options = {}};
  out.options.bind = json.at("bind").get<std::map<std::string, std::vector<double>>>();
  for (const auto& [name, shape] : json.at("input_shapes").items()) {
    out.options.input_shapes.emplace(name, input_shape(shape));
  }
  return out;
}

ir::Model lower_in_pare_train(const std::string& path, const formats::ReadOptions& options) {
  const std::string program = find_pare_train();
  if (program.empty()) {
    throw Error(path,
                "is a TorchScript module, which takes libtorch to read: this build has no "
                "pare-train beside pare (install libtorch-dev and build again)");
  }
  const PrivateFolder folder;
  const LoweringRequest request{.path = path, .output = folder.file(), .options = options};
  const Json answer = answer_of(start(program, to_text(to_json(request))), path);
  if (answer.contains("fact")) {
    throw Error(answer.value("subject", path), answer.value("fact", ""),
                static_cast<ExitCode>(answer.value("code", static_cast<int>(ExitCode::kFailure))));
  }
  for (const Json& note : answer.at("notes")) options.note(note.get<std::string>());
  ir::Model model = formats::read_pare(folder.file());
  model.metadata.history.push_back(
      {.pass = "convert",
       .options = stated(options),
       .tool_version = PARE_VERSION,
       .inputs = {{fs::path(path).filename().string(), to_hex(sha256_of_file(path))}}});
  return model;
}

}  // namespace pare::cli
