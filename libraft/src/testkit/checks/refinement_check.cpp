#include "testkit/checks/refinement_check.hpp"

namespace libraft::testkit {

void RefinementCheck::on_core_started(NodeId node, const CoreOptions& options, const CoreStart& start,
                                      const CoreStatus& status) {
  nodes_.insert_or_assign(node, Specification(options, start, status));
}

void RefinementCheck::on_core_step(NodeId node, const node::CoreStep& step) {
  if (auto objection = nodes_.at(node).judge(step)) {
    ledger_.verdicts.report("iS11", node, *std::move(objection));
  }
}

}  // namespace libraft::testkit
