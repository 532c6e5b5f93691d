// Lines are found where they are, however they lie to the blocks in which a file is read.
#include "storage/json_file_storage_lines.hpp"

#include <libraft/testkit/fault_file_system.hpp>

#include <memory>
#include <string>
#include <vector>

#include "support/catch.hpp"

using kvserver::storage::LineScanner;
using libraft::testkit::FaultFileSystem;

namespace {

std::vector<std::string> scanned(const std::string& contents, std::uint64_t from) {
  FaultFileSystem disk;
  disk.put("log", contents);
  const std::unique_ptr<libraft::File> file = *disk.open("log", libraft::OpenMode::read);
  LineScanner scanner(*file, from, contents.size());
  std::vector<std::string> lines;
  LineScanner::Line line;
  std::uint64_t offset = from;
  while (*scanner.next(line)) {
    REQUIRE(line.offset == offset);
    REQUIRE(line.size == line.text.size() + (line.whole ? 1 : 0));
    REQUIRE(contents.compare(offset, line.text.size(), line.text) == 0);
    offset += line.size;
    REQUIRE(scanner.offset() == offset);
    lines.emplace_back(line.text);
  }
  CHECK(offset == contents.size());
  return lines;
}

}  // namespace

TEST_CASE("json storage: lines are found across the blocks of a scan") {
  std::string contents;
  std::vector<std::string> expected;
  std::uint64_t draw = 1;
  // Short ones, empty ones, and now and then one that is longer than a block.
  while (contents.size() < 1u << 20u) {
    draw = draw * 6364136223846793005u + 1442695040888963407u;
    const std::size_t size = (draw >> 33u) % 50 == 0 ? 150000 + (draw >> 40u) % 1000 : (draw >> 40u) % 300;
    expected.emplace_back(size, static_cast<char>('a' + (draw >> 60u)));
    contents += expected.back() + "\n";
  }
  CHECK(scanned(contents, 0) == expected);
  const std::size_t skipped = expected[0].size() + expected[1].size() + 2;
  CHECK(scanned(contents, skipped) == std::vector<std::string>(expected.begin() + 2, expected.end()));
  contents += "without an end";
  expected.emplace_back("without an end");
  CHECK(scanned(contents, 0) == expected);
}
