// The messages that the conformance suite for transports sends. Each request has a number of its own, which is its term
// and that of its reply, so that both are recognised wherever they turn up.
#pragma once

#include <libraft/message.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace libraft::testkit {

/// Numbers start beyond what a double holds exactly: a transport that carries numbers as doubles alters them.
inline constexpr std::uint64_t kFirstNumber = (std::uint64_t{1} << 53) + 1;

enum class RequestKind { pre_vote, request_vote, append_entries, install_snapshot, timeout_now };
inline constexpr RequestKind kAllRequestKinds[] = {RequestKind::pre_vote, RequestKind::request_vote,
                                                   RequestKind::append_entries, RequestKind::install_snapshot,
                                                   RequestKind::timeout_now};

/// A request with all its fields set to something telling.
[[nodiscard]] MessageBody make_request(RequestKind kind, std::uint64_t number);
/// An AppendEntries with one command.
[[nodiscard]] MessageBody make_append(std::uint64_t number, Bytes command);
/// A chunk of a snapshot.
[[nodiscard]] MessageBody make_chunk(std::uint64_t number, Bytes data);
/// The one reply to a request: route turned round, exchange copied, the fields following from the request's number.
[[nodiscard]] Message make_reply(const Message& request);

/// Each value of a byte, once.
[[nodiscard]] std::string every_byte();
/// Bytes that don't compress, always the same for one size.
[[nodiscard]] std::string noise(std::size_t size);

}  // namespace libraft::testkit
