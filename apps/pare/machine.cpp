// SPDX-License-Identifier: Apache-2.0
#include "apps/pare/machine.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/pare/sibling.hpp"
#include "lib/core/error.hpp"
#include "lib/core/parallel.hpp"
#include "lib/runtime/isa.hpp"

namespace pare::cli {

namespace {

namespace fs = std::filesystem;

std::string first_match(const char* file, std::string_view key) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (!std::string_view(line).starts_with(key)) continue;
    const size_t start = line.find_first_not_of(" \t", line.find(':') + 1);
    return start == std::string::npos ? "" : escaped(line.substr(start));
  }
  return "";
}

std::string gib(double bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f GiB", bytes / (1024.0 * 1024.0 * 1024.0));
  return text;
}

Finding cpu() {
  const std::string model = first_match("/proc/cpuinfo", "model name");
  return {"CPU", model.empty() ? "unknown" : model, ""};
}

Finding instruction_set() {
  const auto best = runtime::best_isa();
  const auto active = runtime::active_isa();
  const std::string value = "best " + std::string(runtime::name_of(best)) + ", in use " +
                            std::string(runtime::name_of(active));
  return {"instruction set", value,
          best == active ? "" : "PARE_ISA caps it; unset it for full speed"};
}

Finding threads(const Environment& environment) {
  const auto hardware = static_cast<int>(std::thread::hardware_concurrency());
  const int available = available_threads();
  std::string value = std::to_string(environment.parallel_make ? 1 : available) + " by default (" +
                      std::to_string(available) + " of " + std::to_string(hardware) +
                      " CPUs usable)";
  if (environment.parallel_make) value += ", because make -j runs several commands";
  return {"threads", value, ""};
}

Finding memory() {
  const std::string total = first_match("/proc/meminfo", "MemTotal");
  const std::string available = first_match("/proc/meminfo", "MemAvailable");
  const double free = std::strtod(available.c_str(), nullptr) * 1024;
  return {"memory", gib(free) + " available of " + gib(std::strtod(total.c_str(), nullptr) * 1024),
          free < 1e9 ? "training needs about 1 GB" : ""};
}

Finding disk() {
  struct statvfs fs_stat {};
  if (::statvfs(".", &fs_stat) != 0) return {"disk", "unknown", ""};
  const double free = static_cast<double>(fs_stat.f_bavail) * static_cast<double>(fs_stat.f_frsize);
  return {"disk", gib(free) + " free in this folder", free < 1e9 ? "outputs may not fit" : ""};
}

Finding energy() {
  const char* counter = "/sys/class/powercap/intel-rapl:0/energy_uj";
  const bool there = ::access(counter, F_OK) == 0;
  const bool readable = ::access(counter, R_OK) == 0;
  return {"energy (RAPL)",
          readable ? "readable"
          : there  ? "there, but only root may read it"
                   : "not on this machine",
          ""};
}

// What `pare-train --probe` answers, or null when it does not run.
Json probe(const std::string& executable) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return nullptr;
  const pid_t child = ::fork();
  if (child == 0) {
    const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    ::dup2(ends[1], STDOUT_FILENO);
    ::dup2(nowhere, STDERR_FILENO);
    ::execl(executable.c_str(), executable.c_str(), std::string(kProbeFlag).c_str(), nullptr);
    ::_exit(127);
  }
  ::close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t n = 0; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<size_t>(n));
  }
  ::close(ends[0]);
  int status = -1;
  if (child > 0) ::waitpid(child, &status, 0);
  Json parsed = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  return status == 0 && parsed.is_object() ? parsed : Json();
}

// Path of the first loaded library whose file name starts so.
std::string loaded(const Json& libraries, std::string_view prefix) {
  for (const Json& path : libraries) {
    const auto text = path.get<std::string>();
    if (fs::path(text).filename().string().starts_with(prefix)) return text;
  }
  return "";
}

std::string version_in(const std::string& path) {
  const size_t so = path.find(".so.");
  return so == std::string::npos ? "" : path.substr(so + 4);
}

Finding blas(const Json& libraries) {
  const std::string openblas = loaded(libraries, "libopenblas");
  const std::string blas = loaded(libraries, "libblas");
  const std::string path = openblas.empty() ? blas : openblas;
  if (path.empty()) {
    const std::string mkl = loaded(libraries, "libmkl");
    return {"BLAS", mkl.empty() ? "built into libtorch" : "MKL (" + mkl + ")", ""};
  }
  if (openblas.empty() && path.find("openblas") == std::string::npos) {
    return {"BLAS", "reference BLAS (" + path + ")",
            "training runs many times slower than it could: install libopenblas0-openmp"};
  }
  const bool pthread = (openblas + blas).find("pthread") != std::string::npos;
  return {"BLAS", std::string("OpenBLAS, ") + (pthread ? "pthreads" : "OpenMP") + " (" + path + ")",
          pthread ? "it ignores --threads: install libopenblas0-openmp" : ""};
}

void examine_training(std::vector<Finding>& findings) {
  const std::string executable = find_pare_train();
  if (executable.empty()) {
    findings.push_back({"training", "not in this installation: there is no pare-train beside pare",
                        "install libtorch-dev and build again to train"});
    return;
  }
  const Json answer = probe(executable);
  if (!answer.is_object()) {
    findings.push_back({"training", executable + " does not start",
                        "run it by hand; a shared library is probably missing"});
    return;
  }
  const bool same = answer.value("handshake", Json()) == handshake();
  findings.push_back({"training", executable, same ? "" : "is of another build: rebuild both"});
  const Json libraries = answer.value("libraries", Json::array());
  const std::string torch = version_in(loaded(libraries, "libtorch_cpu"));
  findings.push_back({"libtorch", torch.empty() ? "version unknown" : torch, ""});
  findings.push_back(blas(libraries));
}

}  // namespace

std::vector<Finding> examine_machine(const Environment& environment) {
  std::vector<Finding> findings{{"pare", PARE_VERSION, ""},
                                cpu(),
                                instruction_set(),
                                threads(environment),
                                memory(),
                                disk(),
                                energy()};
  examine_training(findings);
  for (const SurprisingVariable& variable : surprising_variables()) {
    findings.push_back({variable.name, variable.value, variable.effect});
  }
  return findings;
}

}  // namespace pare::cli
