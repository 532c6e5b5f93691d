#include "asio/lane_thread.hpp"

#include <pthread.h>

#include <asio/post.hpp>

#include <exception>
#include <string>
#include <utility>

namespace libraft::io {
namespace {

void name_this_thread(const char* name) {
#if defined(__APPLE__)
  pthread_setname_np(name);
#else
  pthread_setname_np(pthread_self(), name);
#endif
}

}  // namespace

LaneThread::LaneThread(const char* name, std::shared_ptr<Logger> logger)
    : logger_(std::move(logger)), thread_([this, name] { run(name); }) {}

LaneThread::~LaneThread() {
  join();
}

void LaneThread::join() {
  if (!thread_.joinable()) return;
  asio::post(context_, [this] { context_.stop(); });
  thread_.join();
}

// What a user's handler throws must not end the process: it is reported, and the lane goes on.
void LaneThread::run(const char* name) noexcept {
  name_this_thread(name);
  for (;;) {
    try {
      context_.run();
      return;
    } catch (const std::exception& thrown) {
      report(thrown.what());
    } catch (...) {
      report("not a std::exception");
    }
  }
}

void LaneThread::report(const char* what) const {
  if (!logger_ || !logger_->is_enabled(LogLevel::error)) return;
  logger_->log(LogLevel::error, "a completion handler threw: " + std::string(what));
}

}  // namespace libraft::io
