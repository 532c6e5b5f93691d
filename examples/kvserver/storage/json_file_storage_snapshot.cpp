#include "storage/json_file_storage_snapshot.hpp"

#include "json/base64.hpp"
#include "json/utf8.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <limits>
#include <span>
#include <utility>

namespace kvserver::storage {
namespace {

using libraft::errc;
using libraft::Result;

constexpr std::size_t kFlushBytes = 1u << 20u;
constexpr std::size_t kBase64LineBytes = 3072;  // a multiple of three: each element but the last has no padding
constexpr std::string_view kLines = "lines";
constexpr std::string_view kBase64 = "base64";

/// Writes a long text in pieces, and its checksum in the end.
class SealedOutput {
 public:
  explicit SealedOutput(libraft::File& file) : file_(&file) { (void)XXH3_64bits_reset(&hash_); }

  [[nodiscard]] std::string& buffer() { return buffer_; }

  std::error_code flush_if_large() { return buffer_.size() < kFlushBytes ? std::error_code{} : flush(); }

  std::error_code seal() {
    if (const auto error = flush()) return error;
    buffer_ = text_seal(XXH3_64bits_digest(&hash_));
    if (const auto error = flush()) return error;
    return file_->sync();
  }

 private:
  std::error_code flush() {
    if (offset_ + buffer_.size() > kSnapshotFileBytesMax) return errc::message_too_large;
    if (const auto error = file_->write_at(offset_, buffer_)) return error;
    (void)XXH3_64bits_update(&hash_, buffer_.data(), buffer_.size());
    offset_ += buffer_.size();
    buffer_.clear();
    return {};
  }

  libraft::File* file_;
  std::string buffer_;
  std::uint64_t offset_ = 0;
  XXH3_state_t hash_{};  // xxHash 0.8.1 reads a member of it before it sets it
};

/// The members before the data, without the brace that ends them.
std::optional<std::string> head_of(const Snapshot& snapshot, const libraft::Identity& identity,
                                   const NodeNaming& name_of, std::string_view encoding) {
  json::Writer out(json::Style::pretty);
  out.begin_object()
      .member("format", kFormatVersion)
      .member("cluster", hex_of(identity.cluster.value))
      .member("group", identity.group.value)
      .member("lastIndex", snapshot.meta.last.index.value)
      .member("lastTerm", snapshot.meta.last.term.value);
  write_configuration(out, snapshot.meta.configuration, name_of);
  out.member("size", snapshot.meta.size)
      .member("digest", hex_of(snapshot.meta.digest[1]) + hex_of(snapshot.meta.digest[0]))
      .member("encoding", encoding);
  auto text = out.end_object().take();
  if (text) text->resize(text->size() - 2);
  return text;
}

/// One element of the array.
bool append_line(std::string& out, std::string_view line, bool is_first) {
  out += is_first ? "\n    " : ",\n    ";
  return json::append_string(out, line);
}

std::error_code write_lines(SealedOutput& out, std::string_view text) {
  std::size_t from = 0;
  while (true) {
    const std::size_t end = std::min(text.find('\n', from), text.size());
    if (!append_line(out.buffer(), text.substr(from, end - from), from == 0)) return errc::invalid_argument;
    if (const auto error = out.flush_if_large()) return error;
    if (end == text.size()) return {};
    from = end + 1;
  }
}

std::error_code write_base64(SealedOutput& out, std::string_view bytes) {
  for (std::size_t from = 0; from < bytes.size(); from += kBase64LineBytes) {
    if (!append_line(out.buffer(), base64_encode(bytes.substr(from, kBase64LineBytes)), from == 0)) {
      return errc::invalid_argument;
    }
    if (const auto error = out.flush_if_large()) return error;
  }
  return {};
}

/// The data of the array's elements. Each is freed once it is read: the whole is large.
std::string joined(json::Array& elements, std::string_view encoding, json::Fields& from) {
  std::string data;
  for (std::size_t i = 0; i < elements.size(); ++i) {
    std::string* const element = elements[i].string();
    if (element == nullptr) {
      from.fail("data", "has an element that is no string");
      return {};
    }
    if (encoding == kLines) {
      if (i > 0) data += '\n';
      data += *element;
    } else if (const auto bytes = base64_decode(*element)) {
      data += *bytes;
    } else {
      from.fail("data", "has an element that is not base64");
      return {};
    }
    std::string().swap(*element);
  }
  return data;
}

std::array<std::uint64_t, 2> read_digest(json::Fields& from) {
  const std::string_view digest = from.string("digest");
  const auto high = number_of_hex(digest.substr(0, digest.size() / 2));
  const auto low = number_of_hex(digest.substr(digest.size() / 2));
  if (!high || !low) from.fail("digest", "is not a number of 32 hexadecimal digits");
  return {low.value_or(0), high.value_or(0)};
}

class MemoryReader final : public libraft::SnapshotReader {
 public:
  explicit MemoryReader(std::shared_ptr<const Snapshot> snapshot) : snapshot_(std::move(snapshot)) {}

  [[nodiscard]] const libraft::SnapshotMeta& meta() const override { return snapshot_->meta; }

  Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) override {
    const std::string& data = snapshot_->data;
    if (offset >= data.size()) return std::size_t{0};
    return data.copy(into.data(), into.size(), offset);
  }

 private:
  std::shared_ptr<const Snapshot> snapshot_;
};

}  // namespace

std::error_code write_snapshot(libraft::File& file, const Snapshot& snapshot, const libraft::Identity& identity,
                               const NodeNaming& name_of) {
  const bool is_text = is_valid_utf8(snapshot.data);
  const auto head = head_of(snapshot, identity, name_of, is_text ? kLines : kBase64);
  if (!head) return errc::invalid_argument;
  SealedOutput out(file);
  out.buffer() = *head + ",\n  \"data\": [";
  if (const auto error = is_text ? write_lines(out, snapshot.data) : write_base64(out, snapshot.data)) return error;
  out.buffer() += "\n  ]";
  return out.seal();
}

Result<Snapshot> read_snapshot(std::string text, const libraft::Identity& identity, std::string& why) {
  auto value = json::parse(text, why, {.depth_max = 32, .values_max = std::numeric_limits<std::size_t>::max()});
  if (!value) return errc::corrupt_data;
  const bool is_sealed = is_sealed_text(text);
  std::string().swap(text);

  json::Fields from(*value, why);
  const std::uint64_t version = from.u64("format");
  if (from.ok() && version != kFormatVersion) {
    why = fmt::format("its format is {}, and this release knows {} only", version, kFormatVersion);
    return errc::unsupported_version;
  }
  if (!is_sealed) {
    why = "the checksum does not match";
    return errc::corrupt_data;
  }
  const std::uint64_t cluster = read_hex(from, "cluster");
  if (from.ok() && (cluster != identity.cluster.value || from.u64("group") != identity.group.value)) {
    why = "made in another cluster than raft_state.json";
    return errc::identity_mismatch;
  }
  Snapshot snapshot;
  snapshot.meta.last = {libraft::LogIndex{from.u64("lastIndex")}, libraft::Term{from.u64("lastTerm")}};
  snapshot.meta.configuration = read_configuration(from);
  snapshot.meta.size = from.u64("size");
  snapshot.meta.digest = read_digest(from);
  const std::string encoding(from.string("encoding"));
  if (encoding != kLines && encoding != kBase64) from.fail("encoding", "is neither `lines` nor `base64`");
  (void)from.array("data");
  if (!from.ok()) return errc::corrupt_data;

  snapshot.data = joined(*value->find("data")->array(), encoding, from);
  if (snapshot.data.size() != snapshot.meta.size) from.fail("data", "has another size than `size` says");
  if (digest_of(snapshot.data) != snapshot.meta.digest) from.fail("data", "does not match the digest");
  if (!from.ok()) return errc::corrupt_data;
  return snapshot;
}

std::shared_ptr<libraft::SnapshotReader> reader_of(std::shared_ptr<const Snapshot> snapshot) {
  return std::make_shared<MemoryReader>(std::move(snapshot));
}

// --- SnapshotDraft -------------------------------------------------------------------------------------------------

SnapshotDraft::SnapshotDraft(std::shared_ptr<Shared> shared, std::uint64_t number)
    : shared_(std::move(shared)),
      number_(number),
      temporary_path_(fmt::format("{}/{}.{}{}", shared_->directory, kSnapshotName, number, kTemporarySuffix)) {}

SnapshotDraft::~SnapshotDraft() {
  if (has_file_) (void)shared_->files->remove(temporary_path_);  // else open() removes it
}

std::error_code SnapshotDraft::write(std::string_view bytes) {
  if (given_up()) return errc::cancelled;
  if (finished_) return errc::invalid_argument;
  snapshot_.data.append(bytes);
  return {};
}

std::error_code SnapshotDraft::finish(const libraft::SnapshotMeta& meta) {
  if (given_up()) return errc::cancelled;
  // What does not match now would be refused as damage at the next start.
  if (finished_ || meta.size != snapshot_.data.size() || meta.digest != digest_of(snapshot_.data)) {
    return errc::invalid_argument;
  }
  snapshot_.meta = meta;
  auto file = shared_->files->open(temporary_path_, libraft::OpenMode::create_or_truncate);
  if (!file) return file.error();
  has_file_ = true;
  if (const auto error = write_snapshot(**file, snapshot_, shared_->identity, shared_->name_of)) return error;
  finished_ = true;
  return {};
}

bool SnapshotDraft::may_publish(const Shared& storage) const {
  return finished_ && &storage == shared_.get() && !given_up();
}

std::error_code SnapshotDraft::rename_into_place() {
  const std::string path = shared_->directory + "/" + std::string(kSnapshotName);
  if (const auto error = shared_->files->rename(temporary_path_, path)) return error;
  has_file_ = false;
  return {};
}

}  // namespace kvserver::storage
