// SPDX-License-Identifier: Apache-2.0
#include "lib/core/progress.hpp"

namespace pare {

Progress& no_progress() {
  static Progress silent;
  return silent;
}

}  // namespace pare
