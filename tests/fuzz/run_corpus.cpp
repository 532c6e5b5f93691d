// A fuzzer without libFuzzer: runs the seeds and every file of a folder, each once.
//
// Usage: fuzz_NAME FOLDER
//        fuzz_NAME --write-seeds FOLDER
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "fuzz/fuzz.hpp"

namespace {

namespace fs = std::filesystem;

void run(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

int write_seeds(const fs::path& folder) {
  std::size_t number = 0;
  fs::create_directories(folder);
  for (const std::string& seed : libraft::fuzz::seeds()) {
    std::ofstream(folder / ("seed-" + std::to_string(number++)), std::ios::binary) << seed;
  }
  std::cout << number << " seeds written\n";
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  const std::vector<std::string> words(arguments + 1, arguments + count);
  if (words.size() == 2 && words[0] == "--write-seeds") return write_seeds(words[1]);
  if (words.size() != 1 || !fs::is_directory(words[0])) {
    std::cerr << "Usage: " << arguments[0] << " FOLDER, or --write-seeds FOLDER\n";
    return 2;
  }
  for (const std::string& seed : libraft::fuzz::seeds()) run(seed);
  std::vector<fs::path> files;
  for (const auto& file : fs::directory_iterator(words[0])) {
    if (file.is_regular_file()) files.push_back(file.path());
  }
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) {
    std::cout << file.filename().string() << std::endl;  // also when the next line is the last one
    std::ifstream in(file, std::ios::binary);
    run(std::string(std::istreambuf_iterator<char>(in), {}));
  }
  std::cout << files.size() << " inputs run\n";
  return files.empty() ? 1 : 0;
}
