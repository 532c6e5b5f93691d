// Whole files on a FileSystem.
#include <libraft/error.hpp>
#include <libraft/file_system.hpp>

namespace libraft {
namespace {

std::error_code write_whole(FileSystem& files, const std::string& path, std::string_view contents) {
  auto file = files.open(path, OpenMode::create_or_truncate);
  if (!file) return file.error();
  if (const auto error = (*file)->write_at(0, contents)) return error;
  return (*file)->sync();
}

}  // namespace

Result<std::string> read_file(FileSystem& files, const std::string& path, std::uint64_t bytes_max) {
  auto file = files.open(path, OpenMode::read);
  if (!file) return file.error();
  const auto size = (*file)->size();
  if (!size) return size.error();
  if (*size > bytes_max) return errc::message_too_large;

  std::string contents(static_cast<std::size_t>(*size), '\0');
  std::size_t done = 0;
  while (done < contents.size()) {
    const auto count = (*file)->read_at(done, std::span(contents).subspan(done));
    if (!count) return count.error();
    if (*count == 0) break;  // the file was cut meanwhile: what is there now is the answer
    done += *count;
  }
  contents.resize(done);
  return contents;
}

std::error_code replace_file(FileSystem& files, const std::string& directory, const std::string& name,
                             std::string_view contents) {
  const std::string target = directory + "/" + name;
  const std::string temporary = target + ".tmp";
  // Synced before the rename: otherwise a crash could leave the new name on an empty file.
  auto error = write_whole(files, temporary, contents);
  if (!error) error = files.rename(temporary, target);
  if (error) {
    static_cast<void>(files.remove(temporary));  // gives the space back; left behind, the next attempt overwrites it
    return error;
  }
  // Whether the new name will survive is unknown now, so this is no no_space that could be tried again.
  error = files.sync_directory(directory);
  return error == errc::no_space ? make_error_code(errc::io_error) : error;
}

}  // namespace libraft
