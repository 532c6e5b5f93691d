#include "log.hpp"

#include <fmt/format.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <string_view>
#include <utility>
#include <variant>

namespace kvserver {
namespace {

using libraft::LogLevel;

constexpr std::size_t kLinesWaitingMax = 8192;

spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      break;
  }
  return spdlog::level::err;
}

// One event stays one line, whatever an error message or a name brings in.
std::string in_one_line(std::string_view text) {
  std::string line(text);
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return line;
}

class StderrLogger final : public libraft::Logger {
 public:
  StderrLogger(const std::string& node_id, LogLevel level)
      : pool_(std::make_shared<spdlog::details::thread_pool>(kLinesWaitingMax, 1)),
        logger_(std::make_shared<spdlog::async_logger>(node_id, std::make_shared<spdlog::sinks::stderr_sink_mt>(),
                                                       pool_, spdlog::async_overflow_policy::overrun_oldest)) {
    logger_->set_level(level_of(level));
    logger_->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %n %v");
  }

  [[nodiscard]] bool is_enabled(LogLevel level) const noexcept override { return logger_->should_log(level_of(level)); }

  void log(LogLevel level, std::string_view line) noexcept override {
    try {
      logger_->log(level_of(level), "{}", in_one_line(line));
    } catch (...) {  // a line that can't be written is no reason to stop
    }
  }

 private:
  // The thread's end writes what waits; the logger only knows the pool weakly.
  std::shared_ptr<spdlog::details::thread_pool> pool_;
  std::shared_ptr<spdlog::async_logger> logger_;
};

class LibraryLogger final : public libraft::Logger {
 public:
  explicit LibraryLogger(std::shared_ptr<libraft::Logger> logger) : logger_(std::move(logger)) {}

  [[nodiscard]] bool is_enabled(LogLevel level) const noexcept override { return logger_->is_enabled(shown_at(level)); }
  void log(LogLevel level, std::string_view line) noexcept override { logger_->log(shown_at(level), line); }

 private:
  static LogLevel shown_at(LogLevel level) { return level == LogLevel::info ? LogLevel::debug : level; }

  std::shared_ptr<libraft::Logger> logger_;
};

class EventLog final : public libraft::Observer {
 public:
  EventLog(std::shared_ptr<libraft::Logger> logger, const NodeNames& names)
      : logger_(std::move(logger)), names_(names) {}

  void on_event(const libraft::NodeEvent& event) noexcept override {
    try {
      std::visit([this](const auto& what) { log(what); }, event);
    } catch (...) {  // see StderrLogger::log
    }
  }

 private:
  void info(const std::string& line) { logger_->log(LogLevel::info, line); }

  // Start and stop are the server's to tell, and a failure's reason the library's.
  void log(const libraft::StateChanged& change) {
    if (change.state == libraft::NodeState::running) info("the node is running");
  }
  void log(const libraft::RoleChanged& change) {
    info(fmt::format("{} in term {}", to_string(change.role), change.term.value));
  }
  void log(const libraft::LeaderChanged& change) {
    info(change.leader ? fmt::format("leader: {} in term {}", names_.display_name(change.leader), change.term.value)
                       : fmt::format("leader: none in term {}", change.term.value));
  }
  void log(const libraft::LogTruncated& change) {
    info(fmt::format("entries from {} on were replaced by a newer leader's", change.from.value));
  }
  void log(const libraft::SnapshotTaken& change) {
    logger_->log(LogLevel::debug, fmt::format("snapshot taken up to {}", change.last.index.value));
  }
  void log(const libraft::SnapshotInstalled& change) {
    info(fmt::format("snapshot installed up to {}", change.last.index.value));
  }

  std::shared_ptr<libraft::Logger> logger_;
  const NodeNames& names_;
};

}  // namespace

std::shared_ptr<libraft::Logger> make_stderr_logger(const std::string& node_id, LogLevel level) {
  return std::make_shared<StderrLogger>(node_id, level);
}

std::shared_ptr<libraft::Logger> make_library_logger(std::shared_ptr<libraft::Logger> logger) {
  return std::make_shared<LibraryLogger>(std::move(logger));
}

std::shared_ptr<libraft::Observer> make_event_log(std::shared_ptr<libraft::Logger> logger, const NodeNames& names) {
  return std::make_shared<EventLog>(std::move(logger), names);
}

}  // namespace kvserver
