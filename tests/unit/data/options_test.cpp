// validate(): each bound from both sides, and the sentence that names it.
#include <libraft/options.hpp>

#include "support/catch.hpp"

#include <cstddef>
#include <string>

using namespace libraft;
using namespace std::chrono_literals;
using Catch::Matchers::StartsWith;

namespace {

NodeOptions options_of_three() {
  NodeOptions options;
  options.id = {1};
  options.bootstrap.emplace();
  options.bootstrap->voters = {{{1}, "a"}, {{2}, "b"}, {{3}, "c"}};
  return options;
}

template <class Change>
std::string core_objection(Change change) {
  CoreOptions options;
  change(options);
  return validate(options);
}

template <class Change>
std::string node_objection(Change change) {
  NodeOptions options = options_of_three();
  change(options);
  return validate(options);
}

}  // namespace

TEST_CASE("the defaults are those that the header promises, and they are valid") {
  const CoreOptions core;
  CHECK(core.election_timeout == 1000ms);
  CHECK(core.heartbeat_interval == 100ms);
  CHECK(core.pre_vote);
  CHECK(core.check_quorum);
  CHECK(core.append_bytes_max == 1u << 20);
  CHECK(core.append_entries_max == 4096);
  CHECK(core.in_flight_bytes_max == 16u << 20);
  CHECK(core.in_flight_messages_max == 64);
  CHECK(core.command_bytes_max == 1u << 20);
  CHECK(core.uncommitted_bytes_max == 64u << 20);
  CHECK(core.apply_entries_max == 1024);
  CHECK(core.snapshot_after_bytes == 64u << 20);
  CHECK(core.trailing_entries == 10000);
  CHECK(core.snapshot_chunk_bytes == 256u << 10);
  CHECK(validate(core).empty());
  const NodeOptions node = options_of_three();
  CHECK(node.write_bytes_max == 4u << 20);
  CHECK(node.disk_stall_max == 10s);
  CHECK(node.no_space_retry_interval == 500ms);
  CHECK(node.no_space_max == 10s);
  CHECK(validate(node).empty());
}

TEST_CASE("an election timeout is at least two heartbeats and at most a day") {
  const auto times = [](Duration heartbeat, Duration election) {
    return core_objection([&](CoreOptions& options) {
      options.heartbeat_interval = heartbeat;
      options.election_timeout = election;
    });
  };
  CHECK(times(100ms, 200ms).empty());
  CHECK_THAT(times(100ms, 199ms), StartsWith("election_timeout must be at least twice heartbeat_interval"));
  CHECK(times(100ms, 24h).empty());
  CHECK(times(100ms, 24h + 1ms) == "election_timeout must be at most a day.");
  CHECK(times(Duration(1), Duration(2)).empty());
  CHECK(times(0ms, 200ms) == "heartbeat_interval must be positive.");
  CHECK(times(-1ms, 200ms) == "heartbeat_interval must be positive.");
}

TEST_CASE("no bound of the core may be zero, and one is enough") {
  const auto bound = [](std::size_t CoreOptions::*member, const std::string& name) {
    INFO(name);
    CHECK(core_objection([&](CoreOptions& options) { options.*member = 1; }).empty());
    CHECK_THAT(core_objection([&](CoreOptions& options) { options.*member = 0; }),
               StartsWith(name + " must be positive"));
  };
  bound(&CoreOptions::append_bytes_max, "append_bytes_max");
  bound(&CoreOptions::append_entries_max, "append_entries_max");
  bound(&CoreOptions::in_flight_messages_max, "in_flight_messages_max");
  bound(&CoreOptions::command_bytes_max, "command_bytes_max");
  bound(&CoreOptions::apply_entries_max, "apply_entries_max");
  bound(&CoreOptions::apply_bytes_max, "apply_bytes_max");
  bound(&CoreOptions::reads_waiting_max, "reads_waiting_max");
  bound(&CoreOptions::snapshot_chunk_bytes, "snapshot_chunk_bytes");
  CHECK_THAT(core_objection([](CoreOptions& options) { options.snapshot_growth_factor = 0; }),
             StartsWith("snapshot_growth_factor must be positive"));
}

TEST_CASE("what may be zero means that there is none of it") {
  CHECK(core_objection([](CoreOptions& options) {
          options.entry_cache_bytes = 0;
          options.snapshot_after_entries = 0;
          options.snapshot_after_bytes = 0;
          options.trailing_entries = 0;
          options.trailing_entries_for_followers_max = 0;
        }).empty());
}

TEST_CASE("a bound must have room for the largest thing that it bounds") {
  CHECK(core_objection([](CoreOptions& options) { options.in_flight_bytes_max = options.append_bytes_max; }).empty());
  CHECK_THAT(core_objection([](CoreOptions& options) { options.in_flight_bytes_max = options.append_bytes_max - 1; }),
             StartsWith("in_flight_bytes_max must be at least append_bytes_max"));
  CHECK(
      core_objection([](CoreOptions& options) { options.uncommitted_bytes_max = options.command_bytes_max; }).empty());
  CHECK_THAT(
      core_objection([](CoreOptions& options) { options.uncommitted_bytes_max = options.command_bytes_max - 1; }),
      StartsWith("uncommitted_bytes_max must be at least command_bytes_max"));
  CHECK(node_objection([](NodeOptions& options) { options.inbox_bytes_max = options.core.command_bytes_max; }).empty());
  CHECK_THAT(node_objection([](NodeOptions& options) { options.inbox_bytes_max = options.core.command_bytes_max - 1; }),
             StartsWith("inbox_bytes_max must be at least command_bytes_max"));
}

TEST_CASE("a count of entries stays far below what indexes can hold") {
  constexpr std::size_t kMost = std::size_t{1} << 32;
  CHECK(core_objection([](CoreOptions& options) { options.append_entries_max = kMost; }).empty());
  CHECK(core_objection([](CoreOptions& options) { options.append_entries_max = kMost + 1; }) ==
        "append_entries_max must be at most 2^32.");
  CHECK(core_objection([](CoreOptions& options) { options.apply_entries_max = kMost; }).empty());
  CHECK(core_objection([](CoreOptions& options) { options.apply_entries_max = kMost + 1; }) ==
        "apply_entries_max must be at most 2^32.");
}

TEST_CASE("a node's bounds and intervals are positive, and its core's options are looked at too") {
  CHECK(node_objection([](NodeOptions& options) { options.write_bytes_max = 0; }) ==
        "write_bytes_max must be positive.");
  CHECK(node_objection([](NodeOptions& options) { options.write_bytes_max = 1; }).empty());
  CHECK(node_objection([](NodeOptions& options) { options.inbox_messages_max = 0; }) ==
        "inbox_messages_max must be positive.");
  CHECK(node_objection([](NodeOptions& options) { options.inbox_messages_max = 1; }).empty());
  CHECK(node_objection([](NodeOptions& options) { options.no_space_retry_interval = 0ms; }) ==
        "no_space_retry_interval must be positive.");
  CHECK(node_objection([](NodeOptions& options) { options.no_space_max = 0ms; }) == "no_space_max must be positive.");
  CHECK(node_objection([](NodeOptions& options) { options.disk_stall_max = 0ms; }) ==
        "disk_stall_max must be positive.");
  CHECK(node_objection([](NodeOptions& options) { options.core.heartbeat_interval = 0ms; }) ==
        "heartbeat_interval must be positive.");
}

TEST_CASE("the first members are at least one voter, each there once, and this node among them") {
  CHECK(node_objection([](NodeOptions& options) { options.bootstrap.reset(); }).empty());
  CHECK(node_objection([](NodeOptions& options) { options.id = {}; }) == "id must not be 0, which stands for nobody.");
  CHECK(node_objection([](NodeOptions& options) { options.id = {4}; }) == "bootstrap: this node is not a member.");
  CHECK(node_objection([](NodeOptions& options) {
          options.id = {4};
          options.bootstrap->learners = {{{4}, "d"}};
        }).empty());
  CHECK(node_objection([](NodeOptions& options) { options.bootstrap->voters.clear(); }) ==
        "bootstrap: there is no voter.");
  CHECK(node_objection([](NodeOptions& options) { options.bootstrap->voters[1].id = {}; }) ==
        "bootstrap: a member has the id 0, which stands for nobody.");
  CHECK(node_objection([](NodeOptions& options) { options.bootstrap->voters[1].id = {3}; }) ==
        "bootstrap: the id 3 is there twice.");
  CHECK(node_objection([](NodeOptions& options) {
          options.bootstrap->learners = {{{2}, "b"}};
        }) == "bootstrap: the id 2 is there twice.");
  CHECK(node_objection([](NodeOptions& options) {
          options.bootstrap->outgoing_voters = {{{2}, "b"}};
        }) == "bootstrap: a new cluster has no outgoing voters.");
}
