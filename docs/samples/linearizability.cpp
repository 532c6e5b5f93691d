// The sample of docs/linearizability.md: a history judged from within a program.
#include <libraft/testkit/linearizability.hpp>

#include <iostream>
#include <vector>

using namespace libraft::testkit;

namespace {

bool finds_the_stale_read() {
  // sample: judge
  using Kind = HistoryOperation::Kind;
  using Outcome = HistoryOperation::Outcome;
  const std::vector<HistoryOperation> history{
      {1, "w1", Kind::put, Outcome::ok, "name", "zoro", 1000, 1200},
      {2, "w1", Kind::put, Outcome::ok, "name", "luffy", 1300, 1500},
      {3, "w2", Kind::get, Outcome::ok, "name", "zoro", 1600, 1700},
  };
  const LinearizabilityReport report = check_linearizability(history);
  if (report.verdict == Linearizability::violated) std::cout << report.explanation << '\n';
  // end of sample
  return report.verdict == Linearizability::violated && report.offending == std::vector<std::size_t>{0, 1, 2};
}

}  // namespace

int main() {
  return finds_the_stale_read() ? 0 : 1;
}
