// The suite passes a storage that keeps the rules, and names the rule that a broken one breaks.
#include <libraft/testkit/storage_conformance.hpp>

#include <algorithm>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "whole_file_storage.hpp"

using namespace libraft;
using test::Flaw;
using testkit::ConformanceCheck;

namespace {

std::vector<ConformanceCheck> failures_of(Flaw flaw) {
  std::vector<ConformanceCheck> failed;
  testkit::run_file_storage_conformance([=](FileSystem& files) { return test::whole_file_storage(files, flaw); },
                                        [&](const ConformanceCheck& check) {
                                          if (!check.passed) failed.push_back(check);
                                        });
  return failed;
}

void require_flagged(Flaw flaw, const std::string& rule) {
  const auto failures = failures_of(flaw);
  for (const ConformanceCheck& check : failures) UNSCOPED_INFO(check.name << ": " << check.detail);
  const auto named =
      std::find_if(failures.begin(), failures.end(), [&](const ConformanceCheck& check) { return check.name == rule; });
  REQUIRE(named != failures.end());
  CHECK_FALSE(named->detail.empty());
}

}  // namespace

TEST_CASE("a storage that keeps the rules passes every check, each named once") {
  std::vector<std::string> names;
  testkit::run_file_storage_conformance([](FileSystem& files) { return test::whole_file_storage(files); },
                                        [&](const ConformanceCheck& check) {
                                          INFO(check.name << ": " << check.detail);
                                          CHECK(check.passed);
                                          CHECK(check.detail.empty());
                                          names.push_back(check.name);
                                        });
  CHECK(names.size() >= 40);
  std::sort(names.begin(), names.end());
  CHECK(std::adjacent_find(names.begin(), names.end()) == names.end());
}

TEST_CASE("a storage that forgets truncations is flagged") {
  require_flagged(Flaw::forgets_truncations, "truncate_from drops that entry and all after it");
}

TEST_CASE("a storage that forgets the vote is flagged") {
  require_flagged(Flaw::forgets_the_vote, "the newest hard state is kept, with every number exact");
}

TEST_CASE("a storage that reads beyond the limit is flagged") {
  require_flagged(Flaw::ignores_bytes_max, "read gives what fits into its limit, but at least one entry");
}

TEST_CASE("a storage that takes stale snapshots is flagged") {
  require_flagged(Flaw::takes_stale_snapshots, "a snapshot at or below the newest is refused and changes nothing");
}

TEST_CASE("a storage that takes no lock is flagged") {
  require_flagged(Flaw::takes_no_lock, "a second instance is refused until the first is closed");
}

TEST_CASE("a storage that shows unpublished snapshots is flagged") {
  require_flagged(Flaw::keeps_drafts, "a snapshot that is not published leaves nothing");
}

TEST_CASE("a storage that keeps what found no room is flagged") {
  require_flagged(Flaw::keeps_what_found_no_room, "without room nothing of an append stays, and it can be tried again");
}

TEST_CASE("a storage that writes the parts of a batch out of order is flagged") {
  require_flagged(Flaw::writes_out_of_order,
                  "a power cut at any call leaves what was acknowledged and a prefix of the batch under way");
}

TEST_CASE("a storage that acknowledges before its file is durable is flagged") {
  require_flagged(Flaw::syncs_no_file, "what was acknowledged survives a crash");
  require_flagged(Flaw::syncs_no_file,
                  "a power cut at any call leaves what was acknowledged and a prefix of the batch under way");
}

TEST_CASE("a storage that acknowledges before its file's name is durable is flagged") {
  require_flagged(Flaw::syncs_no_directory, "what was acknowledged survives a crash");
}

TEST_CASE("a storage that ignores a failed sync is flagged") {
  require_flagged(Flaw::ignores_failed_syncs,
                  "an I/O error at any call is told, and loses nothing that was acknowledged");
}

TEST_CASE("a storage that tells what a killed process left unsynced is flagged") {
  require_flagged(Flaw::believes_what_it_reads, "a kill at any call does too, and what open tells then is durable");
}
