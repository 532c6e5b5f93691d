// The way from a transport's threads to the node's sink, which can be closed.
#pragma once

#include <libraft/transport.hpp>

#include <condition_variable>
#include <mutex>

namespace kvserver {

/// Invariant: once close() has returned, no call into the sink is under way and none begins, until it is opened again.
class SinkGate {
 public:
  void open(libraft::MessageSink& sink) {
    const std::lock_guard lock(mutex_);
    sink_ = &sink;
  }

  /// Not from inside the sink: it waits for calls that are under way.
  void close() noexcept {
    std::unique_lock lock(mutex_);
    sink_ = nullptr;
    idle_.wait(lock, [this] { return calls_ == 0; });
  }

  /// False when it is closed.
  bool receive(libraft::Message message) {
    return pass([&message](libraft::MessageSink& sink) { sink.receive({&message, 1}); });
  }
  bool peer_changed(libraft::NodeId peer, libraft::PeerEvent event) {
    return pass([peer, event](libraft::MessageSink& sink) { sink.peer_changed(peer, event); });
  }

 private:
  template <class Call>
  bool pass(const Call& call) {
    libraft::MessageSink* sink = nullptr;
    {
      const std::lock_guard lock(mutex_);
      if (sink_ == nullptr) return false;
      sink = sink_;
      ++calls_;
    }
    call(*sink);
    const std::lock_guard lock(mutex_);
    if (--calls_ == 0) idle_.notify_all();
    return true;
  }

  std::mutex mutex_;
  std::condition_variable idle_;
  // Guarded by mutex_:
  libraft::MessageSink* sink_ = nullptr;
  int calls_ = 0;
};

}  // namespace kvserver
