// SPDX-License-Identifier: Apache-2.0
// --if-changed and --depfile, and the texts made from the table of commands: completion and manual
// pages.
#include <chrono>
#include <filesystem>

#include <doctest/doctest.h>

#include "apps/pare/command.hpp"
#include "formats/formats.hpp"
#include "formats/onnx/onnx_format.hpp"
#include "lib/core/json.hpp"
#include "tests/cli/child_process.hpp"
#include "tests/cli/fixtures.hpp"

using pare::test::Finished;
using pare::test::Folder;
using pare::test::read_file;
using pare::test::run;
using pare::test::write_file;
using pare::test::write_idx;
using pare::test::write_model;

namespace {

bool skipped(const Finished& finished) {
  REQUIRE(finished.code == 0);
  return finished.err.find("is up to date") != std::string::npos;
}

Finished prune(const Folder& folder, std::vector<std::string> extra = {}) {
  std::vector<std::string> words{"prune", "m.pare", "-o", "out.pare", "--if-changed"};
  if (extra.empty()) extra = {"--sparsity", "0.5"};
  words.insert(words.end(), extra.begin(), extra.end());
  return run(folder, words);
}

}  // namespace

TEST_CASE("--if-changed does nothing when options, inputs and output are those of the last time") {
  const Folder folder;
  write_model(folder.at("m.pare"));
  CHECK_FALSE(skipped(prune(folder)));
  CHECK(skipped(prune(folder)));
  CHECK(skipped(prune(folder, {"--sparsity", "0.5", "--threads", "2"})));
  SUBCASE("another option") { CHECK_FALSE(skipped(prune(folder, {"--sparsity", "0.6"}))); }
  SUBCASE("another input") {
    write_model(folder.at("m.pare"),
                [](pare::ir::Model& model) { model.metadata.labels[0].assign(1, 'x'); });
    CHECK_FALSE(skipped(prune(folder)));
  }
  SUBCASE("a changed output") {
    write_file(folder.at("out.pare"), "changed");
    CHECK_FALSE(skipped(prune(folder)));
  }
  SUBCASE("a missing output") {
    std::filesystem::remove(folder.at("out.pare"));
    CHECK_FALSE(skipped(prune(folder)));
  }
  SUBCASE("a damaged record") {
    write_file(folder.at(".out.pare.if-changed.json"), "{");
    CHECK_FALSE(skipped(prune(folder)));
  }
}

TEST_CASE("--depfile names every file that went in, as make reads names") {
  const Folder folder;
  std::filesystem::create_directories(folder.at("a folder"));
  write_model(folder.at("a folder/m$1 #2.pare"));
  write_idx(folder.at("data"), 60, 20);
  const Finished finished =
      run(folder, {"quantize", "a folder/m$1 #2.pare", "--scheme", "w8a8", "--calibration-data",
                   "data", "-o", "out.pare", "--depfile", "out.d", "-q"});
  CAPTURE(finished.err);
  REQUIRE(finished.code == 0);
  const std::string rules = read_file(folder.at("out.d"));
  CHECK(rules.rfind("out.pare: \\\n  a\\ folder/m$$1\\ \\#2.pare \\\n  data/", 0) == 0);
  CHECK(rules.find("\na\\ folder/m$$1\\ \\#2.pare:\n") != std::string::npos);
  if (!std::filesystem::exists("/usr/bin/make")) return;
  write_file(folder.at("Makefile"), "out.pare:\n\techo made\ninclude out.d\n");
  const pare::test::Launch question{.arguments = {"-q"}, .program = "/usr/bin/make"};
  CHECK(run(folder, question).code == 0);
  std::filesystem::last_write_time(
      folder.at("a folder/m$1 #2.pare"),
      std::filesystem::last_write_time(folder.at("out.pare")) + std::chrono::seconds(5));
  CHECK(run(folder, question).code == 1);
}

TEST_CASE("files that a model is spread over are named, and their contents count") {
  const Folder folder;
  write_model(folder.at("m.pare"));
  std::filesystem::create_directories(folder.at("in"));
  const pare::ir::Model model = pare::formats::read(folder.at("m.pare"));
  std::string main_file, companion;
  SUBCASE("ONNX with external data") {
    pare::formats::write_onnx(model, folder.at("in/m.onnx"), {}, /*most_inside=*/0);
    main_file = "in/m.onnx";
    for (const auto& entry : std::filesystem::directory_iterator(folder.at("in"))) {
      if (entry.path().extension() == ".data") companion = "in/" + entry.path().filename().string();
    }
  }
  SUBCASE("safetensors with an index") {
    pare::formats::write(model, folder.at("in/shard.safetensors"));
    pare::Json names = pare::Json::object();
    for (const auto& [name, tensor] : model.parameters.entries()) names[name] = "shard.safetensors";
    write_file(folder.at("in/m.safetensors.index.json"),
               pare::to_text(pare::Json{{"weight_map", names}}));
    main_file = "in/m.safetensors.index.json";
    companion = "in/shard.safetensors";
  }
  REQUIRE(!companion.empty());
  const std::vector<std::string> words{"convert",
                                       main_file,
                                       "-o",
                                       "out.pare",
                                       "--graph",
                                       "m.pare",
                                       "--depfile",
                                       "o.d",
                                       "--if-changed",
                                       "--from",
                                       main_file.ends_with("onnx") ? "onnx" : "safetensors"};
  std::vector<std::string> own = words;
  if (main_file.ends_with("onnx")) own.erase(own.begin() + 4, own.begin() + 6);
  CHECK_FALSE(skipped(run(folder, own)));
  CHECK(read_file(folder.at("o.d")).find(companion + ":\n") != std::string::npos);
  CHECK(skipped(run(folder, own)));
  const pare::test::Finished rebuilt =
      run(folder, {"verify", "out.pare", "--rebuild", "--search", "in"});
  CAPTURE(rebuilt.err);
  CHECK(rebuilt.code == 0);
  std::string bytes = read_file(folder.at(companion));
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  write_file(folder.at(companion), bytes);
  CHECK_FALSE(skipped(run(folder, own)));
}

TEST_CASE("flags for make are refused where no file is written") {
  const Folder folder;
  const std::vector<std::string> eval{"eval", "m.pare", "--data", "synthetic:glyphs"};
  for (const std::string flag : {"--if-changed", "--depfile=x.d"}) {
    std::vector<std::string> words = eval;
    words.push_back(flag);
    const Finished finished = run(folder, words);
    CHECK(finished.code == 2);
    CHECK(finished.err.find("has no effect: no file is written") != std::string::npos);
  }
  CHECK(run(folder,
            {"prune", "m.pare", "-o", "o.pare", "--sparsity", "0.5", "--if-changed", "--json"})
            .code == 2);
}

TEST_CASE("completion and manual pages know every command and every flag") {
  const Folder folder;
  const std::string bash = run(folder, {"completion", "bash"}).out;
  const std::string zsh = run(folder, {"completion", "zsh"}).out;
  const std::string fish = run(folder, {"completion", "fish"}).out;
  REQUIRE(run(folder, {"man", "-o", "man"}).code == 0);
  for (const auto& row : pare::cli::all_commands()) {
    const std::string name(row.name);
    CAPTURE(name);
    const std::string page = read_file(folder.at("man/pare-" + name + ".1"));
    CHECK(page == run(folder, {"man", name}).out);
    CHECK(bash.find("\n    " + name + ")\n") != std::string::npos);
    CHECK(fish.find(" -a " + name + " ") != std::string::npos);
    for (const auto& option : pare::cli::schema_of(row.make())) {
      CAPTURE(option.name);
      const std::string flag = pare::pass::flag_of(option).substr(2);
      CHECK(bash.find(flag) != std::string::npos);
      CHECK(zsh.find(flag + "[") != std::string::npos);
      CHECK(fish.find(flag) != std::string::npos);
    }
  }
  CHECK(read_file(folder.at("man/pare.1")).rfind(".TH PARE 1 ", 0) == 0);
  CHECK(run(folder, {"completion", "tcsh"}).code == 2);
}
