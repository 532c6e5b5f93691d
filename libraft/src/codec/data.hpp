// The parts that several encodings share: log ids, entries, configurations, snapshot metas; without a version byte.
#pragma once

#include <libraft/configuration.hpp>
#include <libraft/entry.hpp>
#include <libraft/message.hpp>

#include "codec/reader.hpp"
#include "codec/writer.hpp"

namespace libraft::codec {

void write(Writer& out, const LogId& id);
void write(Writer& out, const Entry& entry);
void write(Writer& out, const Entries& entries);
void write(Writer& out, const Configuration& configuration);
void write(Writer& out, const SnapshotMeta& meta);

[[nodiscard]] LogId read_log_id(Reader& in);
[[nodiscard]] Entry read_entry(Reader& in);
[[nodiscard]] Entries read_entries(Reader& in);
[[nodiscard]] Configuration read_configuration(Reader& in);
[[nodiscard]] SnapshotMeta read_snapshot_meta(Reader& in);

}  // namespace libraft::codec
