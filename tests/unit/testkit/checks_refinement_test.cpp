// RefinementCheck on whole clusters: every step of every life is held to the specification, and one that it is not
// shown is missed. What the specification allows is in specification_test.cpp.
#include "node/core_listener.hpp"
#include "support/catch.hpp"
#include "testkit/checks/refinement_check.hpp"
#include "unit/testkit/simulation_fixture.hpp"

#include <string>

using namespace libraft;
using namespace libraft::test;
using namespace std::chrono_literals;

namespace {

/// Shows the check all steps but one.
struct Censor final : testkit::Watcher {
  void on_core_started(NodeId node, const CoreOptions& options, const CoreStart& start,
                       const CoreStatus& status) override {
    ++lives;
    check.on_core_started(node, options, start, status);
  }
  void on_core_step(NodeId node, const node::CoreStep& step) override {
    const bool is_telling = step.effects.persist && !step.effects.persist->entries.empty();
    if (is_telling && ++writes == hidden) return;
    check.on_core_step(node, step);
  }

  testkit::Ledger ledger;
  testkit::RefinementCheck check{ledger};
  int lives = 0;
  int writes = 0;
  int hidden = 0;
};

std::string verdict(Censor& censor) {
  Cluster cluster({}, false);
  cluster.simulation.watch(censor);
  cluster.simulation.start_all();
  for (int i = 0; i < 10; ++i) REQUIRE(cluster.write("x"));
  cluster.simulation.crash({1});
  REQUIRE(cluster.write("y"));
  cluster.simulation.start({1});
  REQUIRE(cluster.write("z"));
  cluster.simulation.run_for(2s);
  return censor.ledger.verdicts.first() ? censor.ledger.verdicts.first()->invariant : std::string();
}

}  // namespace

TEST_CASE("all steps of all lives are what the specification allows") {
  Censor censor;
  CHECK(verdict(censor).empty());
  CHECK(censor.lives == 4);
  CHECK(censor.writes > 30);
}

TEST_CASE("iS11: a step that the specification does not know of") {
  Censor censor;
  censor.hidden = 20;
  CHECK(verdict(censor) == "iS11");
}
