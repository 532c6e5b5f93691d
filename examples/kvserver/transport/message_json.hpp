// The bodies that nodes exchange on the Raft port: messages of libraft as JSON.
//
// docs/formats.md is the reference. All have a head of the same members (version, cluster, group, requestId, from,
// to, fromIncarnation, toIncarnation, displayName, clientUrl) and behind it those of their kind. The kind of a request
// is told by its path, that of a reply by the request that it answers.
#pragma once

#include <libraft/message.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace kvserver {

class WireNames;

/// Rises when a body changes so that older releases would misread it.
inline constexpr std::uint64_t kMessageVersion = 1;

/// What a node says of a third one. Followers never speak to each other, so they know of each other from their leader.
struct Introduction {
  std::string name;  ///< the protocol name
  std::string display_name;
  std::string client_url;

  friend bool operator==(const Introduction&, const Introduction&) = default;
};

/// A message on its way, and what the sender says of itself beside it.
struct WireMessage {
  libraft::Message message;      ///< `exchange` is not sent
  std::uint64_t request_id = 0;  ///< drawn by who asks, repeated in the answer
  std::string name;              ///< of the sender, as it was read; not written (that is the id's name)
  std::string display_name;      ///< of the sender, for people
  std::string client_url;        ///< where clients reach the sender
  std::vector<Introduction> introductions;

  friend bool operator==(const WireMessage&, const WireMessage&) = default;
};

/// Why a body is none of ours.
struct MessageRefused {
  std::string word;      ///< malformed, unsupported_version or unknown_kind
  std::string sentence;  ///< names what is wrong
};

/// Where a request is posted to; both kinds of votes share one.
[[nodiscard]] std::string_view path_of(const libraft::MessageBody& request);

/// The message as JSON; nullopt when a text in it is not UTF-8.
[[nodiscard]] std::optional<std::string> write_message(const WireMessage& wire, const WireNames& names);

/// The request that was posted to `path`.
[[nodiscard]] std::variant<WireMessage, MessageRefused> read_request(std::string_view path, std::string_view body,
                                                                     const WireNames& names);
/// The reply to `request`.
[[nodiscard]] std::variant<WireMessage, MessageRefused> read_reply(const libraft::MessageBody& request,
                                                                   std::string_view body, const WireNames& names);

}  // namespace kvserver
