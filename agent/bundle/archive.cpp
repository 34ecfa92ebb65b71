#include "agent/bundle/archive.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace vnetprobe::bundle {

struct ArchiveWriter::State {
  std::string path;
  int file = -1;
  archive* tar = nullptr;
  z_stream gzip{};
  std::array<unsigned char, 65536> out{};
  int error{};

  // What libarchive has formatted goes through the compressor to the disk.
  void compress(const void* bytes, std::size_t size, int flush) {
    gzip.next_in = static_cast<Bytef*>(const_cast<void*>(bytes));
    gzip.avail_in = static_cast<uInt>(size);
    do {
      gzip.next_out = out.data();
      gzip.avail_out = static_cast<uInt>(out.size());
      ::deflate(&gzip, flush);
      write({reinterpret_cast<const char*>(out.data()), out.size() - gzip.avail_out});
    } while (gzip.avail_out == 0);
  }
  void write(std::string_view bytes) {
    while (!bytes.empty() && error == 0) {
      const auto written = ::write(file, bytes.data(), bytes.size());
      if (written >= 0)
        bytes.remove_prefix(static_cast<std::size_t>(written));
      else if (errno != EINTR)
        error = errno;
    }
  }
  void check() const {
    if (error != 0) throw std::runtime_error(fmt::format("{}: {}", path, std::strerror(error)));
  }
  static la_ssize_t on_write(archive*, void* self, const void* bytes, std::size_t size) {
    static_cast<State*>(self)->compress(bytes, size, Z_NO_FLUSH);
    return static_cast<la_ssize_t>(size);
  }
};

ArchiveWriter::ArchiveWriter(std::string path) : state_(std::make_unique<State>()) {
  State& state = *state_;
  state.path = std::move(path);
  state.file = ::open(state.path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (state.file < 0) {
    const bool exists = errno == EEXIST;
    throw std::runtime_error(fmt::format("{}: {}{}", state.path, std::strerror(errno),
                                         exists ? "; it is not overwritten, name another file" : ""));
  }
  constexpr int gzip_format = 16 + MAX_WBITS, memory = 8;
  ::deflateInit2(&state.gzip, Z_DEFAULT_COMPRESSION, Z_DEFLATED, gzip_format, memory, Z_DEFAULT_STRATEGY);
  state.tar = ::archive_write_new();
  ::archive_write_set_format_pax_restricted(state.tar);
  ::archive_write_add_filter_none(state.tar);
  ::archive_write_set_bytes_per_block(state.tar, 0);
  ::archive_write_open(state.tar, &state, nullptr, &State::on_write, nullptr);
}

ArchiveWriter::~ArchiveWriter() {
  ::archive_write_free(state_->tar);
  ::deflateEnd(&state_->gzip);
  if (state_->file >= 0) ::close(state_->file);
}

void ArchiveWriter::add(const std::string& name, std::string_view bytes) {
  State& state = *state_;
  const std::unique_ptr<archive_entry, decltype(&archive_entry_free)> entry(::archive_entry_new(), archive_entry_free);
  ::archive_entry_set_pathname(entry.get(), name.c_str());
  ::archive_entry_set_size(entry.get(), static_cast<la_int64_t>(bytes.size()));
  ::archive_entry_set_filetype(entry.get(), AE_IFREG);
  ::archive_entry_set_perm(entry.get(), 0600);
  ::archive_entry_set_mtime(entry.get(), std::time(nullptr), 0);
  ::archive_write_header(state.tar, entry.get());
  ::archive_write_data(state.tar, bytes.data(), bytes.size());
  ::archive_write_finish_entry(state.tar);
  state.compress(nullptr, 0, Z_SYNC_FLUSH);
  state.check();
}

void ArchiveWriter::finish() {
  State& state = *state_;
  ::archive_write_close(state.tar);
  state.compress(nullptr, 0, Z_FINISH);
  if (state.error == 0 && ::fsync(state.file) != 0) state.error = errno;
  state.check();
}

namespace {

std::string cannot_read(const std::string& path, archive* tar) {
  const char* why = ::archive_error_string(tar);
  return fmt::format("{}: {}; a bundle is a tar.gz that `vnetprobe bundle` has written", path,
                     why ? why : "unreadable");
}

constexpr std::size_t block_size = 65536;

using Tar = std::unique_ptr<archive, decltype(&archive_read_free)>;
using EachEntry = std::function<bool(const std::string& name, std::string bytes)>;

Tar new_reader() {
  Tar tar(::archive_read_new(), archive_read_free);
  ::archive_read_support_filter_gzip(tar.get());
  ::archive_read_support_format_tar(tar.get());
  return tar;
}

std::string read_entries(archive* tar, const std::string& name, std::size_t entry_bytes, const EachEntry& each) {
  archive_entry* entry = nullptr;
  int status = ARCHIVE_OK;
  while ((status = ::archive_read_next_header(tar, &entry)) == ARCHIVE_OK || status == ARCHIVE_WARN) {
    if (::archive_entry_filetype(entry) != AE_IFREG) continue;
    const char* entry_name = ::archive_entry_pathname(entry);
    std::string bytes;
    std::array<char, block_size> block{};
    la_ssize_t size = 0;
    while (bytes.size() < entry_bytes && (size = ::archive_read_data(tar, block.data(), block.size())) > 0)
      bytes.append(block.data(), static_cast<std::size_t>(size));
    if (size < 0) return fmt::format("{}: ends in the middle of {}", name, entry_name ? entry_name : "an entry");
    if (!each(entry_name ? entry_name : "", std::move(bytes))) return {};
  }
  return status == ARCHIVE_EOF ? std::string() : cannot_read(name, tar);
}

}  // namespace

std::string read_archive(const std::string& path, std::size_t entry_bytes, const EachEntry& each) {
  const auto tar = new_reader();
  if (::archive_read_open_filename(tar.get(), path.c_str(), block_size) != ARCHIVE_OK)
    return cannot_read(path, tar.get());
  return read_entries(tar.get(), path, entry_bytes, each);
}

std::string read_archive_in(std::string_view bytes, const std::string& name, std::size_t entry_bytes,
                            const EachEntry& each) {
  const auto tar = new_reader();
  if (::archive_read_open_memory(tar.get(), bytes.data(), bytes.size()) != ARCHIVE_OK)
    return cannot_read(name, tar.get());
  return read_entries(tar.get(), name, entry_bytes, each);
}

bool is_archive(const std::string& path) {
  std::error_code problem;
  if (!std::filesystem::is_regular_file(path, problem)) return false;
  std::ifstream file(path, std::ios::binary);
  return file.get() == 0x1f && file.get() == 0x8b;
}

bool is_archive_in(std::string_view bytes) { return bytes.starts_with("\x1f\x8b"); }

}  // namespace vnetprobe::bundle
