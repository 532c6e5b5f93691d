// RefinementCheck: each step of each core is one that the naive specification allows (iS11).
#pragma once

#include "testkit/checks/ledger.hpp"
#include "testkit/simulation/watcher.hpp"
#include "testkit/specification/specification.hpp"

#include <map>

namespace libraft::testkit {

class RefinementCheck final : public Watcher {
 public:
  explicit RefinementCheck(Ledger& ledger) : ledger_(ledger) {}

  void on_core_started(NodeId node, const CoreOptions& options, const CoreStart& start,
                       const CoreStatus& status) override;
  void on_core_step(NodeId node, const node::CoreStep& step) override;

 private:
  Ledger& ledger_;
  std::map<NodeId, Specification> nodes_;  // in the life that they are in
};

}  // namespace libraft::testkit
