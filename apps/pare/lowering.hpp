// SPDX-License-Identifier: Apache-2.0
// Reading TorchScript: libtorch has to parse it, so pare-train does, in a process of its own that
// leaves a .pare file in a private folder. A crash there is one line here.
#pragma once

#include <string>
#include <string_view>

#include "formats/formats.hpp"
#include "lib/core/json.hpp"

namespace pare::cli {

inline constexpr std::string_view kLoweringFlag = "--lower-torchscript";

// What pare-train is asked, as the one argument after the flag. Of the options those that a
// TorchScript file leaves open.
struct LoweringRequest {
  std::string path;
  std::string output;  // .pare
  formats::ReadOptions options;
};
Json to_json(const LoweringRequest& request);
LoweringRequest lowering_request(const Json& json);

// ReadOptions::lower_torchscript of every command. Throws Error(path): no pare-train, refused,
// crashed.
ir::Model lower_in_pare_train(const std::string& path, const formats::ReadOptions& options);

}  // namespace pare::cli
