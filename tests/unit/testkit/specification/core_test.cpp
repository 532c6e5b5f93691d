// The specification beside real cores: whatever they do while messages, writes and nodes get lost is allowed.
#include <algorithm>

#include "unit/testkit/specification/cluster.hpp"

using namespace libraft;
using namespace libraft::test::specification;

TEST_CASE("the specification allows what real cores do under random faults") {
  CoreOptions options = small_options();
  REQUIRE(validate(options) == "");
  std::uint64_t most_committed = 0;
  std::uint64_t restores = 0;
  std::uint64_t reads = 0;
  std::uint64_t transfers = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    options.pre_vote = seed % 4 != 0;
    options.check_quorum = seed % 5 != 0;
    INFO("seed " << seed);
    Cluster cluster(seed, seed % 7 == 0 ? 1 : seed % 3 == 0 ? 5 : 3, options);
    for (int i = 0; i < 5000; ++i) cluster.act();
    most_committed = std::max(most_committed, cluster.most_committed);
    restores += cluster.restores;
    reads += cluster.reads;
    transfers += cluster.transfers;
  }
  CHECK(most_committed > 100);
  CHECK(restores > 10);
  CHECK(reads > 100);
  CHECK(transfers > 10);
}
