// What each error means: an error is certainly not done, or of unknown outcome, or about no request; never two of them.
// docs/errors.md is compared with the sources by a test of the documents.
#include <libraft/error.hpp>
#include <libraft/result.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <vector>

using namespace libraft;

namespace {

const std::vector<errc> kNotDone{
    errc::not_leader,           errc::overloaded, errc::proposal_dropped, errc::stopped,         errc::node_failed,
    errc::transfer_in_progress, errc::cancelled,  errc::wrong_term,       errc::transfer_failed, errc::not_caught_up};
const std::vector<errc> kUnknown{errc::timeout, errc::leadership_lost, errc::interrupted};

/// All values that have a text.
std::vector<errc> all_errors() {
  std::vector<errc> all;
  for (int value = 1; value < 200; ++value) {
    const auto code = static_cast<errc>(value);
    if (make_error_code(code).message() != "unknown error") all.push_back(code);
  }
  return all;
}

bool is_among(const std::vector<errc>& codes, errc code) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

}  // namespace

TEST_CASE("each error has one meaning for the one who asked") {
  const auto all = all_errors();
  CHECK(all.size() == 36);
  for (const errc code : all) {
    const std::error_code error = code;
    CAPTURE(error.message());
    CHECK((error == condition::retry_safe) == is_among(kNotDone, code));
    CHECK((error == condition::outcome_unknown) == is_among(kUnknown, code));
    CHECK((error == condition::redirect) == (code == errc::not_leader));
    CHECK((error == condition::node_failed) == (code == errc::node_failed));
  }
}

TEST_CASE("no two errors have the same text, and all are of one category") {
  std::set<std::string> texts;
  for (const errc code : all_errors()) {
    CHECK(texts.insert(make_error_code(code).message()).second);
    CHECK(make_error_code(code).category() == raft_category());
  }
  CHECK(std::string(raft_category().name()) == "libraft");
  CHECK(std::string(condition_category().name()) == "libraft.condition");
}

TEST_CASE("other categories' errors have no meaning here, whatever their number, nor has success") {
  for (int value = 0; value < 100; ++value) {
    for (const std::error_code& error :
         {std::error_code(value, std::generic_category()), std::error_code(value, std::system_category())}) {
      CHECK(error != condition::retry_safe);
      CHECK(error != condition::redirect);
      CHECK(error != condition::outcome_unknown);
      CHECK(error != condition::node_failed);
    }
  }
  CHECK(std::error_code() != condition::retry_safe);
  CHECK(std::error_code() != condition::outcome_unknown);
}

TEST_CASE("a Result is made from a value, from what converts to it, and from either kind of error") {
  const Result<std::string> value = "text";
  REQUIRE(value);
  CHECK(*value == "text");
  CHECK(value->size() == 4);
  CHECK_FALSE(value.error());
  const Result<int> failed = errc::no_space;
  CHECK_FALSE(failed);
  CHECK(failed.error() == errc::no_space);
  const Result<int> system = std::make_error_code(std::errc::permission_denied);
  CHECK(system.error() == std::errc::permission_denied);
  Result<std::unique_ptr<int>> owned = std::make_unique<int>(7);
  CHECK(*std::move(owned).value() == 7);
  CHECK_THROWS_AS(Result<int>(errc::timeout).value(), std::system_error);
}
