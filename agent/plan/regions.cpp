#include "agent/plan/plan.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace vnetprobe {
namespace {

struct Region {
  std::string_view name, suffix, pair;
};

// azure-facts 6 (pairs) and 5.6 (suffixes). Five pairs lead one way only: brazilsouth, brazilsoutheast, westindia,
// westus3 and usgovarizona are not the pair of their own pair. An empty pair: Microsoft names none, which is more than
// that nothing is said.
constexpr std::string_view unstated = "?";
constexpr std::array regions{
    Region{"australiacentral", "AustraliaCentral", "australiacentral2"},
    Region{"australiacentral2", "AustraliaCentral2", "australiacentral"},
    Region{"australiaeast", "AustraliaEast", "australiasoutheast"},
    Region{"australiasoutheast", "AustraliaSoutheast", "australiaeast"},
    Region{"austriaeast", "AustriaEast", ""},
    Region{"belgiumcentral", "BelgiumCentral", ""},
    Region{"brazilnortheast", "BrazilNortheast", unstated},
    Region{"brazilsouth", "BrazilSouth", "southcentralus"},
    Region{"brazilsoutheast", "BrazilSoutheast", "brazilsouth"},
    Region{"canadacentral", "CanadaCentral", "canadaeast"},
    Region{"canadaeast", "CanadaEast", "canadacentral"},
    Region{"centralindia", "CentralIndia", "southindia"},
    Region{"centralus", "CentralUS", "eastus2"},
    Region{"centraluseuap", "CentralUSEUAP", unstated},
    Region{"chilecentral", "ChileCentral", ""},
    Region{"chinaeast", "ChinaEast", "chinanorth"},
    Region{"chinaeast2", "ChinaEast2", "chinanorth2"},
    Region{"chinaeast3", "ChinaEast3", "chinanorth3"},
    Region{"chinanorth", "ChinaNorth", "chinaeast"},
    Region{"chinanorth2", "ChinaNorth2", "chinaeast2"},
    Region{"chinanorth3", "ChinaNorth3", "chinaeast3"},
    Region{"denmarkeast", "DenmarkEast", ""},
    Region{"eastasia", "EastAsia", "southeastasia"},
    Region{"eastus", "EastUS", "westus"},
    Region{"eastus2", "EastUS2", "centralus"},
    Region{"eastus2euap", "EastUS2EUAP", unstated},
    Region{"eastusstg", "EastUSSTG", unstated},
    Region{"francecentral", "FranceCentral", "francesouth"},
    Region{"francesouth", "FranceSouth", "francecentral"},
    Region{"germanynorth", "GermanyNorth", "germanywestcentral"},
    Region{"germanywestcentral", "GermanyWestCentral", "germanynorth"},
    Region{"indonesiacentral", "IndonesiaCentral", ""},
    Region{"israelcentral", "IsraelCentral", ""},
    Region{"israelnorthwest", "IsraelNorthwest", unstated},
    Region{"italynorth", "ItalyNorth", ""},
    Region{"japaneast", "JapanEast", "japanwest"},
    Region{"japanwest", "JapanWest", "japaneast"},
    Region{"jioindiacentral", "JioIndiaCentral", unstated},
    Region{"jioindiawest", "JioIndiaWest", unstated},
    Region{"koreacentral", "KoreaCentral", "koreasouth"},
    Region{"koreasouth", "KoreaSouth", "koreacentral"},
    Region{"malaysiasouth", "MalaysiaSouth", unstated},
    Region{"malaysiawest", "MalaysiaWest", ""},
    Region{"mexicocentral", "MexicoCentral", ""},
    Region{"newzealandnorth", "NewZealandNorth", ""},
    Region{"northcentralus", "NorthCentralUS", "southcentralus"},
    Region{"northeurope", "NorthEurope", "westeurope"},
    Region{"northeurope2", "NorthEurope2", unstated},
    Region{"norwayeast", "NorwayEast", "norwaywest"},
    Region{"norwaywest", "NorwayWest", "norwayeast"},
    Region{"polandcentral", "PolandCentral", ""},
    Region{"qatarcentral", "QatarCentral", ""},
    Region{"southafricanorth", "SouthAfricaNorth", "southafricawest"},
    Region{"southafricawest", "SouthAfricaWest", "southafricanorth"},
    Region{"southcentralus", "SouthCentralUS", "northcentralus"},
    Region{"southcentralus2", "SouthCentralUS2", unstated},
    Region{"southcentralusstg", "SouthCentralUSSTG", unstated},
    Region{"southeastasia", "SoutheastAsia", "eastasia"},
    Region{"southeastus", "SoutheastUS", unstated},
    Region{"southeastus3", "SoutheastUS3", unstated},
    Region{"southindia", "SouthIndia", "centralindia"},
    Region{"spaincentral", "SpainCentral", ""},
    Region{"swedencentral", "SwedenCentral", "swedensouth"},
    Region{"swedensouth", "SwedenSouth", "swedencentral"},
    Region{"switzerlandnorth", "SwitzerlandNorth", "switzerlandwest"},
    Region{"switzerlandwest", "SwitzerlandWest", "switzerlandnorth"},
    Region{"taiwannorth", "TaiwanNorth", unstated},
    Region{"taiwannorthwest", "TaiwanNorthwest", unstated},
    Region{"uaecentral", "UAECentral", "uaenorth"},
    Region{"uaenorth", "UAENorth", "uaecentral"},
    Region{"uksouth", "UKSouth", "ukwest"},
    Region{"ukwest", "UKWest", "uksouth"},
    Region{"usdodcentral", "USDoDCentral", "usdodeast"},
    Region{"usdodeast", "USDoDEast", "usdodcentral"},
    Region{"usgovarizona", "USGovArizona", "usgovtexas"},
    Region{"usgovtexas", "USGovTexas", "usgovvirginia"},
    Region{"usgovvirginia", "USGovVirginia", "usgovtexas"},
    Region{"westcentralus", "WestCentralUS", "westus2"},
    Region{"westeurope", "WestEurope", "northeurope"},
    Region{"westindia", "WestIndia", "southindia"},
    Region{"westus", "WestUS", "eastus"},
    Region{"westus2", "WestUS2", "westcentralus"},
    Region{"westus3", "WestUS3", "eastus"},
};

const Region* find(std::string_view name) {
  const auto found = std::ranges::find(regions, name, &Region::name);
  return found == regions.end() ? nullptr : &*found;
}

}  // namespace

std::string paired_region(std::string_view region) {
  const Region* known = find(region);
  return known && known->pair != unstated ? std::string(known->pair) : std::string();
}

bool has_no_pair(std::string_view region) {
  const Region* known = find(region);
  return known && known->pair.empty();
}

// A region that the table does not know keeps its name with a capital: tag look-up is case-insensitive anyway.
std::string tag_suffix(std::string_view region) {
  if (const Region* known = find(region)) return std::string(known->suffix);
  std::string suffix(region);
  if (!suffix.empty()) suffix[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(suffix[0])));
  return suffix;
}

std::string normalise_region(std::string_view region) {
  std::string name;
  for (const char c : region)
    if (c != ' ') name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return name;
}

}  // namespace vnetprobe
