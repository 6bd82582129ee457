import greeter
import helper

assert helper.WHO == "helper"
print(greeter.greet())
