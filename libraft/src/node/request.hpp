// What a node is asked to do: one struct for each kind of request, on its way from any thread to the protocol lane.
#pragma once

#include "node/node.hpp"

#include <libraft/types.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <variant>

namespace libraft::node {

struct StartRequest {
  Completion<> done;
};
struct StopRequest {
  StopOptions options;
  Completion<> done;
};
struct ProposeRequest {
  Bytes command;
  std::optional<Term> only_in_term;
  TimePoint deadline;
  Completion<Applied> done;
};
struct ReadIndexRequest {
  Consistency consistency;
  TimePoint deadline;
  Completion<LogIndex> done;
};
struct QueryRequest {
  std::string query;
  Consistency consistency;
  TimePoint deadline;
  Completion<Applied> done;
};
struct WaitAppliedRequest {
  LogIndex index;
  TimePoint deadline;
  Completion<LogIndex> done;
};
struct WaitLeaderRequest {
  TimePoint deadline;
  Completion<NodeId> done;
};
struct TransferRequest {
  std::optional<NodeId> target;
  TimePoint deadline;
  Completion<> done;
};
struct SnapshotRequest {
  TimePoint deadline;
  Completion<LogId> done;
};

using Request = std::variant<StartRequest, StopRequest, ProposeRequest, ReadIndexRequest, QueryRequest,
                             WaitAppliedRequest, WaitLeaderRequest, TransferRequest, SnapshotRequest>;

/// Ends a request with an error.
inline void end_with(Completion<>& done, std::error_code error) {
  done(error);
}
template <class Answer>
void end_with(Completion<Answer>& done, std::error_code error) {
  done(error, Answer{});
}
inline void end_with(Request& request, std::error_code error) {
  std::visit([&](auto& alternative) { end_with(alternative.done, error); }, request);
}

/// What a request counts against the inbox's bound in bytes.
[[nodiscard]] std::size_t charged_bytes(const Request& request);

/// `now` + `timeout`, which may be too long to be added: then never.
[[nodiscard]] inline TimePoint deadline_after(TimePoint now, Duration timeout) {
  return timeout >= kNever - now ? kNever : now + timeout;
}

}  // namespace libraft::node
