// LaneThread: a thread that runs one lane.
#pragma once

#include <libraft/logger.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>

#include <memory>
#include <thread>

namespace libraft::io {

class LaneThread {
 public:
  /// `name`: at most 15 characters, as debuggers and top show it. Throws std::system_error when there is no thread.
  LaneThread(const char* name, std::shared_ptr<Logger> logger);
  ~LaneThread();

  /// Ends the thread after what waits for it now, and waits for that. Not on the thread itself.
  void join();

  [[nodiscard]] asio::any_io_executor executor() { return context_.get_executor(); }

 private:
  void run(const char* name) noexcept;
  void report(const char* what) const;

  const std::shared_ptr<Logger> logger_;
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
  std::thread thread_;
};

}  // namespace libraft::io
