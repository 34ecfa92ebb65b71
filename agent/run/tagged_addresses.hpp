#pragma once

#include "agent/tags/tag_file.hpp"
#include "reports/model/report.hpp"

namespace vnetprobe {

// Holds every public address that a check's target resolved to, or that was connected to for it, against the target's
// service tag. Checks through a proxy or to a private endpoint, and tags that the file does not have, are left out.
void note_tagged_addresses(std::vector<Check>& checks, const tags::TagFile& file);

// What forced tunnelling needs: Batch where the node is, Azure Machine Learning there, where the workspace is, and in
// the pairs of both. Empty: the file has no such tags.
std::vector<NeededRoute> forced_tunnel_routes(const tags::TagFile& file, const Node& node);

ServiceTagFile describe_tags(const tags::TagFile& file, std::chrono::sys_days today);

}  // namespace vnetprobe
