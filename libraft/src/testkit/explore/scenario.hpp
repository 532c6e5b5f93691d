// Paths of a search as text that people read.
#pragma once

#include "testkit/explore/search.hpp"

#include <string>

namespace libraft::testkit::explore {

/// A line for each move: what happened, what was sent, what the node is now, what is under way.
[[nodiscard]] std::string scenario(const Catalogue& catalogue, const Violation& violation);

/// "AppendEntries 1->2 term 1 after (1 t1) entries t1 t1 commit 1"
[[nodiscard]] std::string describe(const Message& message);

}  // namespace libraft::testkit::explore
