# Text files as data in the binary: embed_text(TARGET FILE SYMBOL) compiles FILE into TARGET as
#   extern const std::string_view SYMBOL, SYMBOL_sha256;      (namespace vnetprobe::embedded; the digest in hex)
function(embed_text target file symbol)
  set(source ${CMAKE_CURRENT_SOURCE_DIR}/${file})
  set(output ${CMAKE_CURRENT_BINARY_DIR}/embedded_${symbol}.cpp)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DINPUT=${source} -DOUTPUT=${output} -DSYMBOL=${symbol} -P ${CMAKE_SOURCE_DIR}/cmake/embed_text.cmake
    DEPENDS ${source} ${CMAKE_SOURCE_DIR}/cmake/embed_text.cmake
    VERBATIM)
  target_sources(${target} PRIVATE ${output})
endfunction()

# The same for a text that is long and rarely read: kept compressed, as
#   std::string SYMBOL();
# TARGET links parts::zlib.
function(embed_compressed target file symbol)
  set(source ${CMAKE_CURRENT_SOURCE_DIR}/${file})
  set(output ${CMAKE_CURRENT_BINARY_DIR}/embedded_${symbol}.cpp)
  add_custom_command(
    OUTPUT ${output}
    COMMAND sh -c "gzip -9nc '${source}' >'${output}.gz'"
    COMMAND ${CMAKE_COMMAND} -DINPUT=${output}.gz -DORIGINAL=${source} -DOUTPUT=${output} -DSYMBOL=${symbol}
      -P ${CMAKE_SOURCE_DIR}/cmake/embed_compressed.cmake
    DEPENDS ${source} ${CMAKE_SOURCE_DIR}/cmake/embed_compressed.cmake
    VERBATIM)
  target_sources(${target} PRIVATE ${output})
endfunction()
