#include "node/snapshot_pipeline.hpp"

#include "node/request.hpp"

#include <libraft/error.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace libraft::node {
namespace {

/// Followers that are sent different snapshots at the same time; the oldest reader is closed for one more.
constexpr std::size_t kReadersMax = 4;
/// A pause in a transfer that is worth keeping its reader open.
constexpr Duration kReadersIdleMax = std::chrono::seconds(10);

/// Passes bytes on, and learns what the snapshot's meta has to say about them.
class MeasuringSink final : public SnapshotSink {
 public:
  explicit MeasuringSink(SnapshotWriter& writer) : writer_(writer) {}

  std::error_code write(std::string_view bytes) override {
    if (!error) error = writer_.write(bytes);
    if (error) return error;
    size += bytes.size();
    digest.update(bytes);
    return {};
  }

  std::error_code error;  ///< of the storage: tells it from one of the state machine
  std::uint64_t size = 0;
  util::Digest digest;

 private:
  SnapshotWriter& writer_;
};

}  // namespace

void SnapshotPipeline::save(const TakeSnapshot& what, std::unique_ptr<SnapshotTask> task) {
  Save save;
  save.what = what;
  save.task = std::move(task);
  save.stop = std::make_shared<StopFlag>();
  add(std::move(save));
}

void SnapshotPipeline::store(StoreSnapshotChunk chunk) {
  if (chunk.chunk.offset == 0) cancel_saves();
  Store store;
  store.chunk = std::move(chunk.chunk);
  add(std::move(store));
}

void SnapshotPipeline::send(const SendSnapshotChunk& chunk) {
  if (is_closed_) return;
  if (SendSnapshotChunk* const same = queued(chunk)) {
    // Asked for again: what matters is the newest term, and the newest write that it rests on.
    *same = chunk;
    return;
  }
  Send send;
  send.chunk = chunk;
  // A follower waits for it; a save may take long, and has time.
  const auto first_save =
      std::find_if(queue_.begin(), queue_.end(), [](const Task& task) { return std::holds_alternative<Save>(task); });
  queue_.insert(first_save, std::move(send));
  start_next();
}

SendSnapshotChunk* SnapshotPipeline::queued(const SendSnapshotChunk& chunk) {
  for (Task& task : queue_) {
    auto* const send = std::get_if<Send>(&task);
    if (send == nullptr) continue;
    SendSnapshotChunk& other = send->chunk;
    if (other.to == chunk.to && other.meta.last == chunk.meta.last && other.offset == chunk.offset) return &other;
  }
  return nullptr;
}

std::unique_ptr<SnapshotWriter> SnapshotPipeline::take_finished(const SnapshotMeta& meta) {
  if (!finished_.writer || finished_.meta != meta) return nullptr;
  is_publishing_ = true;
  return std::move(finished_.writer);
}

void SnapshotPipeline::on_published() {
  is_publishing_ = false;
  start_next();
}

void SnapshotPipeline::on_time(TimePoint now) {
  if (now < readers_close_at_) return;
  readers_close_at_ = kNever;
  add(CloseReaders{});
}

void SnapshotPipeline::close() {
  is_closed_ = true;
  readers_close_at_ = kNever;
  cancel_saves();
}

void SnapshotPipeline::release() noexcept {
  queue_.clear();
  task_.reset();
  finished_.writer.reset();
  incoming_.reset();
  readers_.clear();
}

void SnapshotPipeline::read(Gauges& gauges) const {
  for (const Task& task : queue_) {
    if (std::holds_alternative<Save>(task)) ++gauges.saves;
    if (std::holds_alternative<Send>(task)) ++gauges.chunks_to_send;
    const auto* store = std::get_if<Store>(&task);
    if (store == nullptr) continue;
    ++gauges.chunks_to_store.count;
    gauges.chunks_to_store.bytes += store->chunk.data.size();
  }
}

void SnapshotPipeline::cancel_saves() {
  if (running_save_) running_save_->request();
  for (Task& task : queue_) {
    if (auto* save = std::get_if<Save>(&task)) save->stop->request();
  }
}

void SnapshotPipeline::add(Task task) {
  if (is_closed_) return;
  queue_.push_back(std::move(task));
  start_next();
}

void SnapshotPipeline::start_next() {
  if (is_closed_ || is_running_ || queue_.empty()) return;
  Task& next = queue_.front();
  const auto* save = std::get_if<Save>(&next);
  const auto* store = std::get_if<Store>(&next);
  if (save != nullptr || (store != nullptr && store->chunk.offset == 0)) {
    // Storage gives an unpublished snapshot up when another begins: one on its way to be published goes first.
    if (is_publishing_) return;
  }
  if (save != nullptr) running_save_ = save->stop;
  task_.emplace(std::move(next));
  queue_.pop_front();
  is_running_ = true;
  runtime_.submit(Lane::background, *this);
}

void SnapshotPipeline::run() noexcept {
  try {
    std::visit([this](auto& task) { carry_out(task); }, *task_);
  } catch (const std::exception& exception) {
    fatal_ = errc::state_machine_failed;
    detail_ = std::string("an exception while handling a snapshot: ") + exception.what();
  } catch (...) {
    fatal_ = errc::state_machine_failed;
    detail_ = "something that is no std::exception was thrown while handling a snapshot";
  }
}

void SnapshotPipeline::done() noexcept {
  is_running_ = false;
  running_save_.reset();
  if (is_closed_) return;
  if (fatal_) {
    close();
    listener_.on_snapshot_failed(fatal_, std::move(detail_));
    return;
  }
  Task task = *std::move(task_);
  task_.reset();
  // Told first: the answer may be to publish what was finished, and the next task must know.
  std::visit([this](auto& alternative) { report(alternative); }, task);
  give_up_finished();
  start_next();
}

void SnapshotPipeline::carry_out(Save& task) {
  // One that is still wanted lies beyond what was captured: appends went past this one, and the core dropped it.
  if (incoming_ && incoming_->meta.last.index <= task.what.last.index) incoming_.reset();
  task.error = task.stop->requested() || incoming_ ? make_error_code(errc::cancelled) : write_snapshot(task);
  task.task.reset();
  if (task.error) task.finished.writer.reset();
}

std::error_code SnapshotPipeline::judged(std::error_code error) {
  const bool is_device = error == errc::io_error || error == std::errc::io_error ||
                         error == std::errc::read_only_file_system || error == std::errc::no_such_device_or_address;
  if (is_device) {
    fatal_ = error;
    detail_ = "a snapshot could not be written: " + error.message();
  }
  return error;
}

std::error_code SnapshotPipeline::write_snapshot(Save& task) {
  SnapshotMeta& meta = task.finished.meta;
  meta.last = task.what.last;
  meta.configuration = task.what.configuration;
  auto writer = storage_.create_snapshot(meta);
  if (!writer) return judged(writer.error());
  task.finished.writer = *std::move(writer);
  MeasuringSink sink(*task.finished.writer);
  const std::error_code error = task.task->save(sink, *task.stop);
  if (sink.error) return judged(sink.error);
  if (error == make_error_code(errc::cancelled) && task.stop->requested()) return error;
  if (error) {
    fatal_ = errc::state_machine_failed;
    detail_ = "the state machine could not save a snapshot: " + error.message();
    return error;
  }
  meta.size = sink.size;
  meta.digest = sink.digest.value();
  return judged(task.finished.writer->finish(meta));
}

void SnapshotPipeline::carry_out(Store& task) {
  task.stored.last = task.chunk.meta.last;
  task.stored.error = store_chunk(task);
  if (!task.stored.error) return;
  incoming_.reset();
  task.stored.next_offset = 0;
}

std::error_code SnapshotPipeline::store_chunk(Store& task) {
  const InstallSnapshot& chunk = task.chunk;
  if (chunk.offset == 0) {
    if (const auto error = begin_incoming(chunk.meta)) return error;
  }
  if (!incoming_ || incoming_->meta != chunk.meta) return errc::cancelled;
  if (chunk.offset != incoming_->size) {
    // Repeated, or one before it is missing: only the answer is of use.
    task.stored.next_offset = incoming_->size;
    return {};
  }
  if (chunk.data.size() > chunk.meta.size - incoming_->size) return errc::corrupt_data;
  if (const auto error = incoming_->writer->write(chunk.data.view())) return judged(error);
  incoming_->digest.update(chunk.data.view());
  incoming_->size += chunk.data.size();
  task.stored.next_offset = incoming_->size;
  return incoming_->size == chunk.meta.size ? finish_incoming(task) : std::error_code{};
}

std::error_code SnapshotPipeline::begin_incoming(const SnapshotMeta& meta) {
  incoming_.reset();
  auto writer = storage_.create_snapshot(meta);
  if (!writer) return judged(writer.error());
  incoming_ = Incoming{meta, *std::move(writer), 0, {}};
  return {};
}

std::error_code SnapshotPipeline::finish_incoming(Store& task) {
  if (incoming_->digest.value() != incoming_->meta.digest) return errc::corrupt_data;
  if (const auto error = incoming_->writer->finish(incoming_->meta)) return judged(error);
  task.finished.meta = incoming_->meta;
  task.finished.writer = std::move(incoming_->writer);
  incoming_.reset();
  return {};
}

void SnapshotPipeline::carry_out(Send& task) {
  task.data = read_chunk(task.chunk);
}

SnapshotReader* SnapshotPipeline::reader_of(const SnapshotMeta& meta) {
  for (const auto& reader : readers_) {
    if (reader->meta() == meta) return reader.get();
  }
  auto newest = storage_.newest_snapshot();
  if (!newest || (*newest)->meta() != meta) return nullptr;
  if (readers_.size() == kReadersMax) readers_.erase(readers_.begin());
  readers_.push_back(*std::move(newest));
  return readers_.back().get();
}

std::optional<Bytes> SnapshotPipeline::read_chunk(const SendSnapshotChunk& chunk) {
  SnapshotReader* reader = reader_of(chunk.meta);
  if (reader == nullptr || chunk.offset > chunk.meta.size) return std::nullopt;
  const std::uint64_t length = std::min<std::uint64_t>(chunk.bytes_max, chunk.meta.size - chunk.offset);
  std::string data(length, '\0');
  std::size_t filled = 0;
  while (filled < data.size()) {
    const auto count = reader->read_at(chunk.offset + filled, std::span<char>(data).subspan(filled));
    if (!count || *count == 0) {
      // The file is damaged or gone; a new reader may do better.
      readers_.clear();
      return std::nullopt;
    }
    filled += *count;
  }
  return Bytes(std::move(data));
}

void SnapshotPipeline::carry_out(CloseReaders&) {
  readers_.clear();
}

void SnapshotPipeline::carry_out(GiveUp& task) {
  task.writer.reset();
}

void SnapshotPipeline::report(Save& task) {
  if (!task.error) finished_ = std::move(task.finished);
  listener_.on_snapshot_saved({task.error, task.error ? SnapshotMeta{} : finished_.meta});
}

void SnapshotPipeline::report(Store& task) {
  if (task.finished.writer) finished_ = std::move(task.finished);
  listener_.on_chunk_stored(task.stored);
}

void SnapshotPipeline::report(Send& task) {
  readers_close_at_ = deadline_after(runtime_.now(), kReadersIdleMax);
  if (task.data) {
    listener_.on_chunk_read(task.chunk, *std::move(task.data));
  } else {
    listener_.on_chunk_not_read({task.chunk.to, task.chunk.meta.last});
  }
}

void SnapshotPipeline::report(CloseReaders&) {}

void SnapshotPipeline::report(GiveUp&) {}

/// The core had no use for it: the log, or another snapshot, went past it meanwhile.
void SnapshotPipeline::give_up_finished() {
  if (is_closed_ || !finished_.writer) return;
  // First: at most one unpublished snapshot exists.
  queue_.emplace_front(GiveUp{std::move(finished_.writer)});
}

}  // namespace libraft::node
