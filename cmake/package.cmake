# What is installed, and the .deb that CPack makes of it (product.md 10). Man pages and completions are what the binary prints of
# itself. The same source gives the same bytes: SOURCE_DATE_EPOCH is the time of the last commit (./vnetprobe.sh package).
include(GNUInstallDirs)
set(made ${CMAKE_BINARY_DIR}/package)
file(MAKE_DIRECTORY ${made})

# vnetprobe_document(OUTPUT WORDS...): what `vnetprobe docs WORDS` prints; pages are compressed, as Debian wants them.
function(vnetprobe_document output)
  set(compress "")
  if(output MATCHES "\\.gz$")
    set(compress "| gzip -9n")
  endif()
  list(JOIN ARGN " " words)
  add_custom_command(OUTPUT ${made}/${output}
    COMMAND sh -c "'$<TARGET_FILE:vnetprobe>' docs ${words} ${compress} >'${made}/${output}'"
    DEPENDS vnetprobe VERBATIM)
  set_property(GLOBAL APPEND PROPERTY vnetprobe_documents ${made}/${output})
endfunction()

foreach(page vnetprobe.1 vnetprobe-config.5 vnetprobe-codes.7)
  string(REGEX MATCH "[0-9]$" section ${page})
  vnetprobe_document(${page}.gz man ${page})
  install(FILES ${made}/${page}.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()
vnetprobe_document(vnetprobe.bash completion bash)
vnetprobe_document(_vnetprobe completion zsh)
vnetprobe_document(vnetprobe.fish completion fish)
install(FILES ${made}/vnetprobe.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME vnetprobe)
install(FILES ${made}/_vnetprobe DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
install(FILES ${made}/vnetprobe.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)

add_custom_command(OUTPUT ${made}/changelog.gz ${made}/linked-parts.gz
  COMMAND /usr/bin/env python3 ${CMAKE_SOURCE_DIR}/packaging/debian/texts.py ${CMAKE_SOURCE_DIR} ${made} ${PROJECT_VERSION} $<BOOL:${VNETPROBE_ONE_FILE}>
  DEPENDS ${CMAKE_SOURCE_DIR}/packaging/debian/texts.py ${CMAKE_SOURCE_DIR}/CHANGELOG.md
  VERBATIM)
set_property(GLOBAL APPEND PROPERTY vnetprobe_documents ${made}/changelog.gz ${made}/linked-parts.gz)
install(FILES ${made}/changelog.gz ${made}/linked-parts.gz packaging/debian/copyright DESTINATION ${CMAKE_INSTALL_DOCDIR})

if(VNETPROBE_ONE_FILE)
  install(FILES packaging/debian/lintian-overrides DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides RENAME vnetprobe)
endif()

install(TARGETS vnetprobe RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES systemd/vnetprobe.service systemd/vnetprobe-once.service systemd/vnetprobe-once.timer DESTINATION lib/systemd/system)
install(FILES packaging/config.yaml.example DESTINATION /etc/vnetprobe RENAME config.yaml)
install(FILES reports/json/report.schema.json DESTINATION ${CMAKE_INSTALL_DATADIR}/vnetprobe)
# For the machine that runs Prometheus; it need not be a node.
install(FILES packaging/prometheus/prometheus.yml packaging/prometheus/vnetprobe.rules.yml packaging/prometheus/alertmanager.yml
  DESTINATION ${CMAKE_INSTALL_DATADIR}/vnetprobe/prometheus)
install(FILES packaging/prometheus/consoles/vnetprobe.html DESTINATION ${CMAKE_INSTALL_DATADIR}/vnetprobe/prometheus/consoles)
install(FILES packaging/grafana/vnetprobe.json DESTINATION ${CMAKE_INSTALL_DATADIR}/vnetprobe/grafana)

get_property(documents GLOBAL PROPERTY vnetprobe_documents)
add_custom_target(vnetprobe_documents ALL DEPENDS ${documents})

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME vnetprobe)
set(CPACK_PACKAGE_VENDOR vnetprobe)
set(CPACK_PACKAGE_CONTACT "vnetprobe maintainers <maintainers@vnetprobe.example>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "finds out why an Azure Machine Learning node cannot reach what it needs")
set(CPACK_PACKAGE_DESCRIPTION "vnetprobe runs inside an Azure virtual network, probes what the node
needs (DNS, TCP, TLS, HTTP, WebSocket and the node itself), and says why
something fails, who has to change what, and on which evidence. It works
while no packet leaves the node: once, on a timer, or as a service with
metrics for Prometheus.")
set(CPACK_STRIP_FILES ON)
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
file(WRITE ${made}/conffiles "/etc/vnetprobe/config.yaml\n")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${made}/conffiles
  ${CMAKE_SOURCE_DIR}/packaging/debian/postinst ${CMAKE_SOURCE_DIR}/packaging/debian/prerm ${CMAKE_SOURCE_DIR}/packaging/debian/postrm)
include(CPack)
