// SendPipeline: persist, then promise. Keeps each message until the write that it rests on is durable; and tells the
// transport whom to send to.
#pragma once

#include <libraft/configuration.hpp>
#include <libraft/effects.hpp>
#include <libraft/status.hpp>
#include <libraft/transport.hpp>

#include <cstddef>
#include <optional>
#include <vector>

namespace libraft::node {

/// Invariant: a message in `ready_` rests on nothing beyond `persisted_`; one in `held_` does. Each keeps the order in
/// which its messages came.
class SendPipeline {
 public:
  SendPipeline(Transport& transport, const Identity& self, Metrics& metrics)
      : transport_(transport), self_(self), metrics_(metrics) {}

  /// Tells the transport whom to send to: the others of `configuration`, unless it knows already.
  void announce_peers(const Configuration& configuration);

  /// Ready at once when its write is durable, else when it becomes so.
  void submit(Outgoing outgoing);
  void on_persisted(PersistId upto);
  /// The node moves on to `term`, and its next write will say so. What it held back to say in an older one would rest
  /// on a log that the new term may change: it is dropped. How many messages that are.
  std::size_t drop_older_than(Term term);

  /// Hands what is ready to the transport, in one call.
  void flush();

  [[nodiscard]] std::size_t held() const { return held_.size(); }

  /// Beyond this many held messages (a disk that stalls) further ones are dropped: those who asked will ask again.
  static constexpr std::size_t kHeldMax = 65536;

 private:
  void make_ready(Message message);

  Transport& transport_;
  const Identity self_;
  Metrics& metrics_;
  std::optional<Configuration> announced_;
  PersistId persisted_;
  std::vector<Outgoing> held_;
  std::vector<Message> ready_;
};

}  // namespace libraft::node
