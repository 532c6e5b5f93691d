#include "node/log_reader.hpp"

#include <libraft/error.hpp>

#include <exception>
#include <utility>

namespace libraft::node {
namespace {

/// The entries are gone or not there yet: that is an answer, the core knows what to do about it.
bool is_answer(std::error_code error) {
  return !error || error == make_error_code(errc::compacted) || error == make_error_code(errc::unavailable);
}

}  // namespace

void LogReader::submit(const ReadLog& read) {
  if (is_closed_) return;
  waiting_.push_back(read);
  if (!is_reading_) start();
}

void LogReader::close() {
  is_closed_ = true;
  waiting_.clear();
}

void LogReader::start() {
  is_reading_ = true;
  reads_.swap(waiting_);
  waiting_.clear();
  answers_.clear();
  detail_.clear();
  runtime_.submit(Lane::storage, *this);
}

void LogReader::run() noexcept {
  for (const ReadLog& read : reads_) {
    answers_.push_back(answer(read));
    if (!is_answer(answers_.back().error)) return;  // final
  }
}

LogRead LogReader::answer(const ReadLog& read) {
  try {
    auto entries = storage_.read(read.first, read.last, read.bytes_max);
    if (!entries) {
      detail_ = storage_.error_detail();
      return {read.id, entries.error(), {}};
    }
    if (entries->empty() || entries->front().id.index != read.first) return {read.id, errc::unavailable, {}};
    return {read.id, {}, Entries(*std::move(entries))};
  } catch (const std::exception& exception) {
    detail_ = exception.what();
    return {read.id, errc::io_error, {}};
  } catch (...) {
    detail_ = "something that is no std::exception was thrown";
    return {read.id, errc::io_error, {}};
  }
}

void LogReader::done() noexcept {
  is_reading_ = false;
  if (is_closed_) return;
  std::vector<LogRead> answers;
  answers.swap(answers_);
  std::string detail = std::move(detail_);
  // Once it starts again, answers_ and detail_ are the storage lane's. After a failure there is nothing to start.
  const bool has_failed = !answers.empty() && !is_answer(answers.back().error);
  if (!has_failed && !waiting_.empty()) start();
  for (LogRead& answer : answers) {
    if (is_closed_) return;
    if (is_answer(answer.error)) {
      listener_.on_log_read(std::move(answer));
    } else {
      close();
      listener_.on_read_failed(answer.error, std::move(detail));
    }
  }
}

}  // namespace libraft::node
