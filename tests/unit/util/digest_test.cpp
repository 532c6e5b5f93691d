#include "util/digest.hpp"

#include <string>

#include "support/catch.hpp"

using libraft::util::Digest;
using libraft::util::digest128;
using libraft::util::Digest128;
using libraft::util::digest64;

TEST_CASE("the digest of nothing is the published one of XXH3") {
  CHECK(digest128("") == Digest128{0x6001c324468d497f, 0x99aa06d3014798d8});
  CHECK(digest64("") == 0x2d06800538d394c2);
  CHECK(Digest().value() == digest128(""));
}

TEST_CASE("a digest in pieces equals the digest of the whole, for every split around the block size") {
  std::string text;
  for (int i = 0; i < 3000; ++i) text.push_back(static_cast<char>(i * 31 + (i >> 7)));
  for (std::size_t split = 0; split <= text.size(); split += 97) {
    Digest digest;
    digest.update(std::string_view(text).substr(0, split));
    digest.update({});
    digest.update(std::string_view(text).substr(split));
    REQUIRE(digest.value() == digest128(text));
  }
}

TEST_CASE("a copied digest goes on by itself") {
  Digest first;
  first.update("left");
  Digest second = first;
  second.update(" right");
  CHECK(first.value() == digest128("left"));
  CHECK(second.value() == digest128("left right"));
  first = second;
  CHECK(first.value() == digest128("left right"));
}

TEST_CASE("another seed is another hash") {
  CHECK(digest64("text", 1) != digest64("text"));
  CHECK(digest64("text", 0) == digest64("text"));
}
