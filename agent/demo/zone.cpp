#include "agent/demo/zone.hpp"

#include <boost/asio/ip/address_v4.hpp>

#include <algorithm>
#include <array>
#include <string_view>

namespace vnetprobe::demo {
namespace {

// A public suffix whose names have a private endpoint here: `<name>.suffix` is an alias of `<name>.zone`.
struct PrivateSuffix {
  std::string_view suffix, zone, address;
};
constexpr std::array private_suffixes{
    PrivateSuffix{".blob.core.windows.net", ".privatelink.blob.core.windows.net", "10.0.1.10"},
    PrivateSuffix{".file.core.windows.net", ".privatelink.file.core.windows.net", "10.0.1.11"},
    PrivateSuffix{".queue.core.windows.net", ".privatelink.queue.core.windows.net", "10.0.1.12"},
    PrivateSuffix{".table.core.windows.net", ".privatelink.table.core.windows.net", "10.0.1.13"},
    PrivateSuffix{".dfs.core.windows.net", ".privatelink.dfs.core.windows.net", "10.0.1.14"},
    PrivateSuffix{".vault.azure.net", ".privatelink.vaultcore.azure.net", "10.0.1.20"},
    PrivateSuffix{".data.azurecr.io", ".data.privatelink.azurecr.io", "10.0.1.31"},
    PrivateSuffix{".azurecr.io", ".privatelink.azurecr.io", "10.0.1.30"},
    PrivateSuffix{".notebooks.azure.net", ".privatelink.notebooks.azure.net", "10.0.1.5"},
    PrivateSuffix{".cert.api.azureml.ms", ".privatelink.api.azureml.ms", "10.0.1.4"},
    PrivateSuffix{".api.azureml.ms", ".privatelink.api.azureml.ms", "10.0.1.4"},
    PrivateSuffix{".instances.azureml.ms", ".privatelink.api.azureml.ms", "10.0.1.4"},
};

// Public services, at addresses that lie in their service tag.
struct PublicSuffix {
  std::string_view suffix, address;
};
constexpr std::array public_suffixes{
    PublicSuffix{"login.microsoftonline.com", "20.190.151.9"},
    PublicSuffix{"management.azure.com", "13.67.18.10"},
    PublicSuffix{"mcr.microsoft.com", "150.171.69.10"},
    PublicSuffix{".batch.azure.com", "20.41.5.230"},
    PublicSuffix{".instances.azureml.net", "20.41.0.242"},
    PublicSuffix{".tundra.azureml.ms", "20.41.0.243"},
    PublicSuffix{"ml.azure.com", "13.107.246.47"},
    PublicSuffix{"graph.microsoft.com", "20.190.151.10"},
    PublicSuffix{".services.visualstudio.com", "20.41.157.196"},
    PublicSuffix{".applicationinsights.azure.com", "20.41.157.197"},
};
constexpr std::string_view regional_api = "20.41.0.241";

ZoneAnswer through(const std::string& name, const PrivateSuffix& row, Fault fault) {
  const auto label = name.substr(0, name.size() - row.suffix.size());
  ZoneAnswer answer{.chain = {label + std::string(row.zone)}, .address = std::string(row.address)};
  if (fault == Fault::dns_public_address && row.suffix == ".blob.core.windows.net") {
    answer.chain.emplace_back("blob.bn9prdstr02a.store.core.windows.net");
    answer.address = "20.60.0.1";
  }
  return answer;
}

void put16(std::vector<unsigned char>& into, unsigned value) {
  into.push_back(static_cast<unsigned char>(value >> 8));
  into.push_back(static_cast<unsigned char>(value & 0xff));
}

void put_name(std::vector<unsigned char>& into, std::string_view name) {
  while (!name.empty()) {
    const auto dot = std::min(name.find('.'), name.size());
    into.push_back(static_cast<unsigned char>(dot));
    into.insert(into.end(), name.begin(), name.begin() + static_cast<std::ptrdiff_t>(dot));
    name.remove_prefix(std::min(dot + 1, name.size()));
  }
  into.push_back(0);
}

constexpr unsigned type_a = 1, type_cname = 5, class_in = 1, ttl = 10;

void put_record(std::vector<unsigned char>& into, std::string_view owner, unsigned type,
                const std::vector<unsigned char>& data) {
  put_name(into, owner);
  put16(into, type);
  put16(into, class_in);
  put16(into, 0);
  put16(into, ttl);
  put16(into, static_cast<unsigned>(data.size()));
  into.insert(into.end(), data.begin(), data.end());
}

struct Question {
  std::string name;
  unsigned type{};
  std::size_t end{};  // of the question section
};

std::optional<Question> read_question(const std::vector<unsigned char>& query) {
  Question question;
  std::size_t at = 12;
  while (at < query.size() && query[at] != 0) {
    const std::size_t length = query[at];
    if (length > 63 || at + 1 + length >= query.size()) return std::nullopt;
    if (!question.name.empty()) question.name += '.';
    for (std::size_t i = 1; i <= length; ++i) {
      const unsigned char c = query[at + i];
      question.name += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    at += 1 + length;
  }
  if (at + 5 > query.size()) return std::nullopt;
  question.type = static_cast<unsigned>(query[at + 1]) << 8 | query[at + 2];
  question.end = at + 5;
  return question;
}

}  // namespace

std::optional<ZoneAnswer> zone_answer(const std::string& name, Fault fault) {
  if (fault == Fault::dns_nxdomain && name.find(".workspace.") != std::string::npos) return std::nullopt;
  for (const auto& row : public_suffixes)
    if (name.ends_with(row.suffix)) return ZoneAnswer{.chain = {}, .address = std::string(row.address)};
  // `eastus2.api.azureml.ms`, `auth.eastus2.instances.azureml.ms`: the region's own front, not a workspace's.
  const bool of_region = name.ends_with(".api.azureml.ms") && name.find(".workspace.") == std::string::npos;
  if (of_region || (name.starts_with("auth.") && name.ends_with(".instances.azureml.ms")))
    return ZoneAnswer{.chain = {}, .address = std::string(regional_api)};
  for (const auto& row : private_suffixes)
    if (name.ends_with(row.suffix) && name.size() > row.suffix.size()) return through(name, row, fault);
  return std::nullopt;
}

std::vector<unsigned char> answer_query(const std::vector<unsigned char>& query, Fault fault) {
  if (query.size() < 17 || query[2] & 0x80) return {};
  const auto question = read_question(query);
  if (!question) return {};
  const auto found = zone_answer(question->name, fault);
  std::vector<unsigned char> records;
  unsigned count = 0;
  if (found) {
    std::string owner = question->name;
    for (const auto& alias : found->chain) {
      std::vector<unsigned char> target;
      put_name(target, alias);
      put_record(records, owner, type_cname, target);
      owner = alias;
      ++count;
    }
    if (question->type == type_a) {
      const auto bytes = boost::asio::ip::make_address_v4(found->address).to_bytes();
      put_record(records, owner, type_a, {bytes.begin(), bytes.end()});
      ++count;
    }
  }
  std::vector<unsigned char> answer(query.begin(), query.begin() + 2);
  answer.push_back(static_cast<unsigned char>(0x80 | (query[2] & 0x01)));  // an answer, recursion desired as asked
  answer.push_back(static_cast<unsigned char>(0x80 | (found ? 0 : 3)));    // recursion available, NOERROR or NXDOMAIN
  put16(answer, 1);
  put16(answer, count);
  put16(answer, 0);
  put16(answer, 0);
  answer.insert(answer.end(), query.begin() + 12, query.begin() + static_cast<std::ptrdiff_t>(question->end));
  answer.insert(answer.end(), records.begin(), records.end());
  return answer;
}

}  // namespace vnetprobe::demo
